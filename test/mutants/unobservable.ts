/*
 * Bugs that are known from other implementations and are no mutants here, with the reason.
 *
 * Duplicate delivery of a forwarded proposal applied twice. No node forwards a proposal: a server that does not
 * lead refuses it (`redirectProposal`), and no message between nodes carries one (`src/raft/messages.ts` lists them
 * all; `verify` carries commands to be judged and appends nothing). So no frame that the network repeats can append
 * a command. From client to node a call passes in memory, once (`MessagePort` neither repeats nor loses). What can
 * still apply a command twice is a client that asks again after a refusal that was no refusal; that is the mutant
 * `refused-proposal-applied-twice`. Exactly-once for a client that repeats a call of unknown outcome is the work of
 * sessions, and their mutants come with them.
 *
 * A pre-vote granted by a server of an older term is dropped, as it was here once. It only costs time: every voter
 * that may stand does so within an election timeout, learns the higher term from the refusal of whoever has it
 * (`answerPreVote` carries the answering server's term), and its next grant is of that term. With
 * `setCandidacy(false)` on all others it costs the election, and the test in `test/node/elections.test.ts` that
 * found it holds that.
 */
export const unobservable = [
  'duplicate delivery of a forwarded proposal applied twice',
  'pre-vote grant of an older term dropped',
] as const;
