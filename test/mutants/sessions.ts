import type { Mutant } from './mutant.js';

const commands = 'src/client/session-commands.js';
const sent = 'src/client/sent-commands.js';
const reads = 'src/client/session-reads.js';
const session = 'src/client/session.js';
const room = 'src/client/waiting-room.js';

/** Worlds with little in the way, in which commands go out in batches. */
const calm = { nodes: 3, virtualMs: 10_000, faults: [] } as const;
/** Worlds whose nodes and clients come and go, and whose clients have no time. */
const restless = {
  nodes: 3,
  virtualMs: 15_000,
  faults: ['crashes', 'stops', 'cuts', 'clientDeaths', 'clientHangs'],
} as const;
/** In the end all that was asked is answered. */
const untilRest = { nodes: 3, virtualMs: 5000, mode: 'liveness', faults: ['crashes', 'cuts'] } as const;

const once = 'thesis §6.3; src/client/session-commands.ts';
const outcomes = 'src/ground/errors.ts: what each outcome promises';

/** Bugs of a session. Without numbers that the cluster remembers, it must never send twice what may have been appended. */
export const sessionMutants: readonly Mutant[] = [
  {
    name: 'session-retries-an-unknown-outcome',
    bug: 'A command whose outcome a node does not know is sent again.',
    source: once,
    catches: ['SentAgainOnlyAfterARefusal', 'AppliedOnce', 'UnknownIsNoRefusal'],
    patches: [
      {
        file: commands,
        find: 'if (command.session === null)\n            return false;',
        replace: "if (command.session === null)\n            return code === 'OUTCOME_UNKNOWN';",
      },
    ],
    world: restless,
  },
  {
    name: 'session-sends-again-what-a-lost-node-had',
    bug: 'When a node goes down, what it had been sent and had not answered is sent to another.',
    source: once,
    catches: ['SentAgainOnlyAfterARefusal', 'AppliedOnce'],
    patches: [
      {
        file: commands,
        find: `({ sentTo }) => sentTo === id))
            this.#fail(command, error);`,
        replace: '({ sentTo }) => sentTo === id))\n            this.#waiting.push(command);',
      },
    ],
    world: restless,
  },
  {
    name: 'session-sends-everything-to-a-new-leader',
    bug: 'When another node leads, all that the one before has is sent to it as well.',
    source: once,
    catches: ['SentAgainOnlyAfterARefusal', 'AppliedOnce', 'UnknownIsNoRefusal'],
    patches: [
      {
        file: session,
        find: "this.#chart.send(leaderId === null ? { type: 'leader.lost' }",
        replace:
          "this.#commands.sendAllAgain();\n        this.#chart.send(leaderId === null ? { type: 'leader.lost' }",
      },
      {
        file: commands,
        find: '    sendPinned() {',
        replace: `    sendAllAgain() {
        for (const command of this.#sent.takeWhere(({ only }) => only === null))
            this.#waiting.push(command);
    }
    sendPinned() {`,
      },
    ],
    world: restless,
  },
  {
    name: 'session-forgets-what-was-refused',
    bug: 'A command that a node refused because it does not lead is neither sent on nor ended.',
    source: 'src/client/session-commands.ts; §8: the client asks another server',
    catches: ['CallEndsByItsDeadline', 'CloseEndsEveryCall'],
    patches: [
      {
        file: commands,
        find: `                this.#waitAgain(command);
                isToRetry = true;`,
        replace: '                isToRetry = true;',
      },
    ],
    world: restless,
  },
  {
    name: 'session-sends-a-bound-command-elsewhere',
    bug: 'A command for one node alone goes to the leader when that node refuses it.',
    source: 'src/ground/call-options.ts: node',
    catches: ['SentWhereItMayGo', 'SentAgainOnlyAfterARefusal'],
    patches: [
      {
        file: commands,
        find: `        if (command.only !== null)
            return false;
        if (retryableCodes`,
        replace: '        if (retryableCodes',
      },
    ],
    world: calm,
  },
  {
    name: 'session-does-not-hear-an-answer-in-time',
    bug: 'A busy thread that comes to its timers first gives up what has been answered already.',
    source: 'src/client/deadlines.ts',
    tests: 'client/session.test.js',
    catches: [
      'session hears an outcome that came in time, though its own thread was busy until the deadline',
    ],
    patches: [
      {
        file: 'src/client/deadlines.js',
        find: 'this.#clock.soon(() => {',
        replace: '[0].forEach(() => {',
      },
    ],
  },
  {
    name: 'session-ends-a-call-twice',
    bug: 'A command that is past its deadline stays where answers are looked up: a late one ends the call again.',
    source: 'src/client/session.ts: each call ends exactly once',
    catches: ['CallEndsOnce', 'PendingIsWhatIsOpen'],
    patches: [
      {
        file: sent,
        find: `                continue;
            this.#slots[command.number & this.#mask] = null;`,
        replace: '                continue;',
      },
    ],
    world: { ...restless, faults: ['latency', 'slowDisks', 'cuts'] },
  },
  {
    name: 'session-sends-after-the-deadline',
    bug: 'A thread that was busy until after a deadline sends the command all the same, and its caller has been told that nothing was appended.',
    source: 'found by use: a blocked caller was told OUTCOME_UNKNOWN, and it was applied',
    catches: ['NotSentAfterItsDeadline', 'SentWhileItIsOpen'],
    patches: [
      {
        file: session,
        find: `if (!this.#deadlines.mayHavePassed(nowMs))
            return;`,
        replace: 'if (nowMs !== null)\n            return;',
      },
    ],
    world: restless,
  },
  {
    name: 'session-waits-for-ever',
    bug: 'The deadline of a command that was sent is not looked at.',
    source: 'src/client/session.ts',
    catches: ['CallEndsByItsDeadline', 'NotSentAfterItsDeadline', 'CloseEndsEveryCall'],
    patches: [
      {
        file: commands,
        find: 'return command.deadlineMs <= nowMs;',
        replace: 'return false;',
      },
    ],
    world: { ...restless, faults: ['cuts', 'partitions', 'pauses'] },
  },
  {
    name: 'session-uses-a-number-again',
    bug: 'The number of a call that was given up is given to another while its answer can still come.',
    source: 'src/node/clients/client-requests.ts: numbers differ among what is under way',
    tests: 'client/session.test.js',
    catches: [
      'session takes no answer for another’s that comes after its own command was given up, however many were sent since',
    ],
    patches: [
      {
        file: sent,
        find: 'command.number = this.nextNumber();',
        replace: 'command.number = this.nextNumber() & this.#mask;',
      },
      {
        file: sent,
        find: 'return this.#next;',
        replace: 'return this.#next & this.#mask;',
      },
    ],
  },
  {
    name: 'session-takes-a-refusal-for-unknown',
    bug: 'A command that a node refused for certain ends as one of unknown outcome.',
    source: outcomes,
    catches: ['RefusalIsNotUnknown'],
    patches: [
      {
        file: commands,
        find: 'const refusal = errorOf(error);',
        replace: "const refusal = outcomeUnknown('It was refused');",
      },
    ],
    world: calm,
  },
  {
    name: 'session-takes-unknown-for-a-refusal',
    bug: 'What a node had that went down ends as if nothing had been appended.',
    source: outcomes,
    catches: ['UnknownIsNoRefusal', 'RefusedWasNotApplied'],
    patches: [
      {
        file: commands,
        find: 'const error = outcomeUnknown(',
        replace: 'const error = new NodeDeadError(',
      },
    ],
    world: restless,
  },
  {
    name: 'session-says-that-nobody-took-what-was-sent',
    bug: 'A command that was sent and not answered by its deadline ends as if no leader had taken it.',
    source: outcomes,
    catches: ['UnknownIsNoRefusal', 'RefusedWasNotApplied'],
    patches: [
      {
        file: commands,
        find: `takeWhere(isDue))
            this.#fail(command, unheard(command));`,
        replace: 'takeWhere(isDue))\n            this.#fail(command, noQuorum(command.timeoutMs));',
      },
    ],
    world: { ...restless, faults: ['cuts', 'partitions', 'latency'] },
  },
  {
    name: 'session-says-that-what-was-sent-is-aborted',
    bug: 'A command that its caller aborts after it was sent ends as if nothing had been appended.',
    source: outcomes,
    catches: ['UnknownIsNoRefusal', 'RefusedWasNotApplied'],
    patches: [
      {
        file: commands,
        find: "node === null ? aborted('command', command.signal)",
        replace: "node !== undefined ? aborted('command', command.signal)",
      },
    ],
    world: { nodes: 3, virtualMs: 30_000, faults: ['latency', 'cuts'] },
  },
  {
    name: 'session-sends-what-was-aborted',
    bug: 'A command that waits for a leader, and is aborted, is sent when there is one.',
    source: outcomes,
    catches: ['SentWhileItIsOpen', 'RefusedWasNotApplied', 'PendingIsWhatIsOpen'],
    patches: [
      {
        file: commands,
        find: `abortedTooLate(command, node));
        }
        this.#waiting = this.#waiting.filter(({ isOver }) => !isOver);`,
        replace: 'abortedTooLate(command, node));\n        }',
      },
    ],
    world: { nodes: 3, virtualMs: 30_000, faults: ['crashes', 'cuts', 'partitions', 'stops'] },
  },
  {
    name: 'session-forgets-what-it-has',
    bug: 'The bytes of a command that has ended count on: in time nothing is taken any more.',
    source: 'src/client/session-commands.ts',
    catches: ['PendingIsWhatIsOpen'],
    patches: [
      {
        file: commands,
        find: 'this.#bytes -= command.bytes.length;',
        replace: '',
      },
    ],
    world: calm,
  },
  {
    name: 'session-counts-a-node-full-for-good',
    bug: 'What a node has answered counts as still with it: in time it is sent nothing any more.',
    source: 'src/client/sent-commands.ts',
    catches: ['Progress'],
    patches: [{ file: sent, find: 'load.commands--;', replace: '' }],
    world: untilRest,
  },
  {
    name: 'session-counts-a-node-full-of-reads-for-good',
    bug: 'A read that a node has answered counts as still with it.',
    source: 'src/client/session-reads.ts',
    catches: ['Progress'],
    patches: [
      {
        file: reads,
        find: 'this.#loads.set(read.sentTo, this.#loadOf(read.sentTo) - 1);',
        replace: 'this.#loads.set(read.sentTo, this.#loadOf(read.sentTo));',
      },
    ],
    world: untilRest,
  },
  {
    name: 'session-mixes-up-a-batch',
    bug: 'Every command of a batch is given the first one’s result.',
    source: 'src/client/session-commands.ts',
    catches: ['AnswerIsToItsQuestion'],
    patches: [{ file: commands, find: 'result: results[at] }', replace: 'result: results[0] }' }],
    world: calm,
  },
  {
    name: 'session-misplaces-a-batch',
    bug: 'Every command of a batch is said to stand where the first one does.',
    source: 'src/client/session-commands.ts',
    catches: ['AnswerIsToItsQuestion'],
    patches: [{ file: commands, find: 'index: index + at,', replace: 'index,' }],
    world: calm,
  },
  {
    name: 'session-forgets-reads-of-a-lost-node',
    bug: 'A read that a node had when it went down is not asked again, and never ends.',
    source: 'src/client/session-reads.ts',
    catches: ['CallEndsByItsDeadline', 'CloseEndsEveryCall'],
    patches: [
      {
        file: reads,
        find: `            this.#take(request);
            this.#wait(read);`,
        replace: '            this.#take(request);',
      },
    ],
    world: restless,
  },
  {
    name: 'session-asks-any-node',
    bug: 'A read for one node is asked of any.',
    source: 'src/ground/call-options.ts: node',
    catches: ['SentWhereItMayGo'],
    patches: [
      {
        file: reads,
        find: 'read.only ?? this.#host.anyNode()',
        replace: 'this.#host.anyNode()',
      },
    ],
    world: calm,
  },
  {
    name: 'session-asks-for-what-is-stale',
    bug: 'A linearizable read is asked as a stale one.',
    source: 'thesis §6.4',
    catches: ['ReadIndexIsCurrent', 'Linearizability'],
    patches: [
      {
        file: reads,
        find: "{ type: 'read', request: number, query, consistency }",
        replace: "{ type: 'read', request: number, query, consistency: 'stale' }",
      },
    ],
    world: calm,
  },
  {
    name: 'session-leaves-a-waiting-room-full',
    bug: 'Who waits for room is taken off the list and not let in.',
    source: 'src/client/waiting-room.ts',
    catches: ['Progress', 'CloseEndsEveryCall'],
    patches: [
      {
        file: room,
        find: `for (const waiter of this.#waiters.splice(0, count))
            this.#end(waiter, null);`,
        replace: 'this.#waiters.splice(0, count);',
      },
    ],
    world: { ...restless, mode: 'liveness', virtualMs: 5000 },
  },
  {
    name: 'session-closes-and-leaves-calls-pending',
    bug: 'A session that is closed does not end the commands that it has sent.',
    source: 'src/client/session.ts',
    catches: ['CloseEndsEveryCall'],
    patches: [
      {
        file: commands,
        find: `for (const command of this.#sent.takeWhere(() => true)) {
            if (command.what === null)
                this.#fail(command, unknown);
        }`,
        replace: 'this.#sent.takeWhere(() => unknown === null);',
      },
    ],
    world: { ...restless, faults: ['clientDeaths', 'latency'] },
  },
  {
    name: 'session-closes-and-leaves-reads-pending',
    bug: 'A session that is closed does not end the reads that wait for a leader.',
    source: 'src/client/session.ts',
    catches: ['CloseEndsEveryCall'],
    patches: [
      {
        file: reads,
        find: '[this.#waiting, this.#directed, this.#postponed]',
        replace: '[this.#directed, this.#postponed]',
      },
    ],
    world: { ...restless, faults: ['clientDeaths', 'crashes', 'stops', 'cuts'] },
  },
  {
    name: 'node-answers-the-head-of-a-batch-again',
    bug: 'What of a batch was applied is reported once more with the rest.',
    source: 'src/node/clients/pending-proposals.ts',
    catches: ['AnsweredOnce', 'AnsweredWasApplied'],
    patches: [
      {
        file: 'src/node/clients/pending-proposals.js',
        find: `            run.first += count;
            run.firstIndex += count;`,
        replace: '            run.firstIndex += count;',
      },
    ],
  },
  {
    name: 'node-forgets-a-request-that-is-open',
    bug: 'A batch of which a part is answered counts as answered: if the node dies then, the rest never is.',
    source: 'src/node/clients/open-requests.ts',
    catches: ['OpenRequestsAreKnown'],
    patches: [
      {
        file: 'src/node/clients/open-requests.js',
        find: 'if (open.gaps.length === 0)',
        replace: "if ('first' in answer)",
      },
    ],
    world: { nodes: 3, virtualMs: 15_000, faults: ['halfRuns'] },
  },
  {
    name: 'node-answers-from-before-its-last-answer',
    bug: 'A stale read shows an index before the one that the read before it showed.',
    source: 'src/ground/call-options.ts: stale sees what one node has applied',
    catches: ['StaleReadsNeverGoBack', 'ReadIndexIsCurrent'],
    patches: [
      {
        file: 'src/node/clients/pending-reads.js',
        find: 'index: this.#replica.lastApplied, ...age }',
        replace: 'index: this.#replica.lastApplied - (request % 2), ...age }',
      },
    ],
  },
];
