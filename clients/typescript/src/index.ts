/** Prompts by name, rendered by a promptgraph server, and calls recorded by the version that was sent. */
export type { CallStatus, ErrorCode, LlmCallInput, MessageRole, RecordStatus, ScoreInput } from "./api.js";
export type { CallDraft, CallFacts, Of, ScoreFacts, Usual } from "./calls.js";
export { Client, type ClientOptions, type Ending } from "./client.js";
export { type Code, type Failure, PromptgraphError } from "./errors.js";
export { newCallId } from "./ids.js";
export type { Log, ObservedCall, ObservedFacts } from "./observed.js";
export type { Patience } from "./patience.js";
export type { Message, Prompt, Rendered, Which } from "./prompts.js";
export type { Outcome, Recorded, RecordWarning, Refused, Unsettled } from "./sending.js";
export type { Fetch } from "./server.js";
