import type { CodegenConfig } from '@graphql-codegen/cli';
import { addTypenameSelectionDocumentTransform } from '@graphql-codegen/client-preset';

const config: CodegenConfig = {
  schema: '../../schema.graphql',
  documents: 'src/queries/*.graphql',
  importExtension: '.ts',
  generates: {
    'src/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false, persistedDocuments: { hashAlgorithm: 'sha256' } },
      documentTransforms: [addTypenameSelectionDocumentTransform], // as Apollo sends them
      config: {
        useTypeImports: true,
        // what the scalars are in JSON
        strictScalars: true,
        scalars: { BigInt: 'number', DateTime: 'string', Decimal: 'string', JSON: 'unknown', UUID: 'string' },
      },
    },
  },
};

export default config;
