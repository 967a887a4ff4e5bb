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
 *
 * A batch of reads keeps the index of its first read, when later ones join it. A batch is open within one turn only:
 * the flush that ends every turn begins with the round that closes it (`NodeActor.#sendNow`), nothing in the turn
 * adds a read after the last such call, and a client that asks from within its reply is heard in the next turn. So
 * let `first` be the commit index when the first read of the batch was added, and let a write be answered before a
 * later read of the batch was asked. That read was in the mailbox when the turn began, so the write was answered in
 * an earlier turn. If this leader answered it, or another node heard of its commit from this leader, the leader's
 * commit index covered it in an earlier turn: it is at `first` or before. If a leader of an earlier term committed
 * it, it precedes this leader's no-op (Leader Completeness), and a read is added only once the no-op is committed: it
 * is before `first`. If a leader of a later term committed it, a majority had entered that term before the read was
 * asked, and the read's round, begun afterwards, is not confirmed. Hence `first` covers every write that the read
 * must see. What one would lose is a margin; `test/raft/reads.test.ts` holds it ("share a round, and the commit
 * index of the last of them").
 *
 * Any answer to a pre-vote counts as a grant: refusals, and answers to another round. No safety property rests on
 * pre-votes. All that a won pre-vote does is to enter `candidate`, and that is what a server without the option
 * `preVote` does at every election timeout (`mayStand`), which is Raft as in the paper; a part of all worlds is drawn
 * so. Nobody reads the `votes` of the pre-vote later: `becomeCandidate` replaces them before any vote is counted. What
 * is lost is what pre-votes are for: a server that cannot win spends terms and deposes leaders, as in Raft without
 * them. Tests hold that: in `test/node/elections.test.ts` "is lost by refusals", in
 * `test/raft/elections.test.ts` "count only for the round they answer".
 *
 * The mutants with `tests` are no bugs that lose anything, or none that a world can have yet; each is
 * caught by the unit test that it names.
 *
 * Without the leader's stickiness, or without the pre-vote's checks, or with a candidate that does not yield, a server
 * spends terms and deposes leaders that work, as a server of the paper does that was cut off and comes back: a part of
 * all worlds is drawn without pre-vote and check-quorum, and nothing that must never happen comes of it. Worlds that
 * promise progress end the faults of a majority for good, which then hears its leader and does not stand.
 *
 * Going back entry by entry, or behind what is known to match, costs messages, and ends where it should.
 *
 * No world has a joint configuration, or changes its members, until membership can change. That learners do not vote,
 * and that who has left is not supplied, comes with that.
 *
 * Waits that never lengthen cost nothing where a frame costs no time: in a world of virtual time the first of fifty
 * voters has its votes before the second stands. `test/node/many-voters.test.ts` has a machine that is loaded.
 *
 * Check-quorum that counts who stands as who follows kept a leader in office for good while the others stood at every
 * election timeout. Since they wait longer after each round that they lost, it is left unheard for long enough.
 *
 * Nobody in a world says what makes no sense, so nothing shows that it is not heard.
 */
export const unobservable = [
  'duplicate delivery of a forwarded proposal applied twice',
  'pre-vote grant of an older term dropped',
  'read batch keeps the index of its first read',
  'any answer to a pre-vote counted as a grant',
] as const;
