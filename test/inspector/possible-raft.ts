import { ClusterState } from '../../src/inspector/recording/cluster-state.js';
import type { Recording, Step } from '../../src/inspector/recording/format.js';
import { isLeading, type NodeSeen, roleOf, termAt } from '../../src/inspector/recording/node-seen.js';

/*
 * What Raft forbids, as somebody would see it who steps through a recording: each rule looks at one step and at how
 * everything is shown after it, and at nothing that only a program knows.
 */

export interface Claims {
  /** Every node told until its end: so the votes of all are known, and who sent what. */
  readonly isComplete: boolean;
  readonly preVote: boolean;
}

/** What is wrong with a recording, in words; the first so many. */
export function impossibilities({ header, steps }: Recording, claims: Claims, max = 5): string[] {
  const busy = new Set(steps.flatMap((step) => (step.kind === 'tally' ? [step.node] : [])));
  const killed = new Set(
    steps.flatMap((step) => (step.kind === 'life' && step.life === 'crashed' ? [step.node] : [])),
  );
  const judge = new Judge(ClusterState.of(header), claims, { busy, killed });
  for (const step of steps) {
    judge.judge(step);
    if (judge.found.length >= max) break;
  }
  return judge.found;
}

class Judge {
  readonly found: string[] = [];
  readonly #state: ClusterState;
  readonly #claims: Claims;
  /** By term: who was shown to lead it. */
  readonly #leaders = new Map<number, number>();
  /** By term: how far its leader's log was shown. */
  readonly #appended = new Map<number, number>();
  /** By node and term, in one life: a vote that was not durable is forgotten with it. */
  readonly #votes = new Map<string, number>();
  /** Every vote that was ever cast: node, term and candidate. */
  readonly #cast = new Set<string>();
  readonly #sends = new Map<number, number>();
  /** Who has counted what it sent, and not told it one by one. */
  readonly #busy: ReadonlySet<number>;
  /** Whose last words may be missing, sooner or later: what others have of them is seen before they are known to be dead. */
  readonly #killed: ReadonlySet<number>;
  #committed = 0;

  constructor(
    state: ClusterState,
    claims: Claims,
    { busy, killed }: { busy: ReadonlySet<number>; killed: ReadonlySet<number> },
  ) {
    this.#busy = busy;
    this.#killed = killed;
    this.#state = state;
    this.#claims = claims;
  }

  judge(step: Step): void {
    const before = this.#state.copy();
    this.#state.apply(step);
    const say = (text: string) => this.found.push(`step ${step.nr} (${step.kind}, ${step.at} ms): ${text}`);
    if (step.nr !== before.nr + 1) say(`follows step ${before.nr}`);
    if (step.at < before.at) say('goes back in time');
    if (step.kind === 'send') this.#sends.set(step.nr, step.node);
    if (step.kind === 'chart' && step.heard !== undefined) {
      const { from, nr } = step.heard;
      const isTold = this.#claims.isComplete && !this.#busy.has(from);
      if (nr === null && isTold) say(`what node ${from} sent was never seen to leave`);
      if (nr !== null && (nr >= step.nr || this.#sends.get(nr) !== from)) say('is heard before it was sent');
    }
    if (step.kind === 'mark' || !('node' in step)) return;
    const was = before.nodes.get(step.node);
    const isAnew = step.kind === 'stand' || step.kind === 'life';
    if (step.kind === 'life' && step.life === 'crashed') {
      for (const key of this.#votes.keys()) if (key.startsWith(`${step.node} `)) this.#votes.delete(key);
    }
    const leadersFirst = [...this.#state.nodes.values()].sort(
      (a, b) => Number(isLeading(b)) - Number(isLeading(a)),
    );
    for (const node of leadersFirst) this.#judgeNode(node, isAnew, say);
    const now = this.#state.nodes.get(step.node);
    if (was !== undefined && now !== undefined && !isAnew) this.#judgeChange(was, now, say);
    const leader = this.#state.leader;
    if (leader !== null && roleOf(leader) !== 'leader') say('the header names a leader that does not lead');
  }

  #judgeNode(node: NodeSeen, isAnew: boolean, say: (text: string) => void): void {
    const { id, state, levels } = node;
    if (state === null) return;
    const passing = state.active.find((path) => /resuming|deciding/.test(path));
    if (passing !== undefined) say(`node ${id} stands in ${passing}, which it leaves at once`);
    if (levels.height > levels.commit)
      say(`node ${id} has applied ${levels.height} of ${levels.commit} committed`);
    if (levels.commit > levels.last) say(`node ${id} has committed ${levels.commit} of ${levels.last}`);
    if (state.votedFor !== null && state.active.length > 0 && node.life !== 'crashed') {
      const key = `${id} ${state.term}`;
      const vote = this.#votes.get(key) ?? state.votedFor;
      if (vote !== state.votedFor)
        say(`node ${id} votes for ${vote} and ${state.votedFor} in term ${state.term}`);
      this.#votes.set(key, vote);
      this.#cast.add(`${key} ${vote}`);
    }
    if (isLeading(node)) {
      const known = this.#leaders.get(state.term) ?? id;
      if (known !== id) say(`nodes ${known} and ${id} lead term ${state.term}`);
      this.#leaders.set(state.term, id);
      const term = state.term;
      if (termAt(state.log, levels.last) === term) {
        this.#appended.set(term, Math.max(this.#appended.get(term) ?? 0, levels.last));
      }
      this.#committed = Math.max(this.#committed, levels.commit);
    } else if (isAnew || (!this.#claims.isComplete && this.#isLost(state.term, state.leaderId))) {
      this.#committed = Math.max(this.#committed, levels.commit);
    } else if (levels.commit > this.#committed) {
      say(`node ${id} has committed ${levels.commit}, and no leader more than ${this.#committed}`);
    }
    const lastTerm = termAt(state.log, levels.last);
    const appended = lastTerm === null ? undefined : this.#appended.get(lastTerm);
    // Of one that was killed the last words may be lost, and others have heard them.
    const isLost = !this.#claims.isComplete && this.#isLost(lastTerm ?? -1, state.leaderId);
    if ((isAnew || isLost) && lastTerm !== null)
      this.#appended.set(lastTerm, Math.max(appended ?? 0, levels.last));
    else if (lastTerm !== null && levels.last > 0 && levels.last > (appended ?? 0)) {
      say(`node ${id} has entry ${levels.last} of term ${lastTerm} before its leader (${appended})`);
    }
  }

  /** Is the leader of a term killed, ever? It may have led without telling so: then only its followers know. */
  #isLost(term: number, leaderId: number | null): boolean {
    const leader = this.#leaders.get(term) ?? leaderId;
    return leader !== null && this.#killed.has(leader);
  }

  #judgeChange(was: NodeSeen, now: NodeSeen, say: (text: string) => void): void {
    const [before, after] = [was.state, now.state];
    if (before === null || after === null) return;
    if (after.term < before.term) say(`node ${now.id} goes back to term ${after.term}`);
    if (now.levels.commit < was.levels.commit) say(`node ${now.id} takes back a commit`);
    if (before.role !== after.role) {
      const path = `${before.role} → ${after.role}`;
      const allowed = this.#claims.preVote ? withPreVote : [...withPreVote, 'follower → candidate'];
      if (!allowed.includes(path)) say(`node ${now.id} goes ${path}`);
    }
    if (after.role === 'leader' && before.role !== 'leader') this.#judgeElection(now, say);
  }

  #judgeElection({ id, state }: NodeSeen, say: (text: string) => void): void {
    if (state === null) return;
    const granted = state.votes.filter(([, isGranted]) => isGranted).map(([voter]) => voter);
    if (!this.#state.configuration.hasQuorum((voter) => granted.includes(voter)))
      say(`node ${id} leads with ${granted.length} votes`);
    if (!this.#claims.isComplete) return;
    const cast = granted.filter((voter) => this.#cast.has(`${voter} ${state.term} ${id}`));
    if (cast.length < granted.length)
      say(`node ${id} leads with the votes of ${granted}, but only ${cast} had voted for it`);
  }
}

const withPreVote = [
  'follower → preCandidate',
  'preCandidate → candidate',
  'preCandidate → follower',
  'candidate → leader',
  'candidate → follower',
  'candidate → preCandidate',
  'leader → follower',
  'follower → dead',
  'preCandidate → dead',
  'candidate → dead',
  'leader → dead',
  'learner → dead',
  'dead → follower',
  'dead → learner',
  // Members come and go.
  'follower → removed',
  'preCandidate → removed',
  'candidate → removed',
  'leader → removed',
  'learner → removed',
  'removed → follower',
  'removed → learner',
  'removed → dead',
  'dead → removed',
  'learner → follower',
  'follower → learner',
  'leader → learner',
];
