import { expect } from 'chai';
import { Timeline } from '../../src/inspector/recording/timeline.js';
import type { NodeId } from '../../src/raft/entry.js';
import { cleanLink } from '../../src/router/link-policy.js';
import { crashed, header, type Loose, moved, numbered, stand, wired } from './recorded.js';

/* What a recording tells of its elections: whose timer ran out and why, who asked, who stood, who won with which votes. */

const three = { ...header, nodes: [0, 1, 2].map((id) => ({ id, votes: true })) };

/** Node 0 leads term 1, and the others have heard it at 0 ms. */
const opening: readonly Loose[] = [
  wired(0, [0, 1, 2]),
  stand(0, 0, { role: 'leader', votedFor: 0 }),
  stand(0, 1, { votedFor: 0 }),
  stand(0, 2, { votedFor: 0 }),
];

function timelineOf(...steps: readonly Loose[]): Timeline {
  return new Timeline(three, numbered(...opening, ...steps));
}

function tellingsOf(...steps: readonly Loose[]): string[] {
  return timelineOf(...steps).chronicle.told.map(({ mark, text }) => `${mark}: ${text}`);
}

const asks = (at: number, node: NodeId, cause = 'electionTimeout over'): Loose =>
  moved(
    at,
    node,
    'alive.preCandidate',
    { role: 'preCandidate', leaderId: null, votes: [[node, true]], timeoutMs: 250 },
    { cause },
  );
const hears = (at: number, node: NodeId, ...votes: [NodeId, boolean][]): Loose =>
  moved(at, node, 'x:y:0', { votes: [[node, true], ...votes] });
const stands = (at: number, node: NodeId, term: number): Loose =>
  moved(at, node, 'alive.candidate', { role: 'candidate', term, votedFor: node, votes: [[node, true]] });
const leads = (at: number, node: NodeId): Loose =>
  moved(at, node, 'alive.leader', { role: 'leader', leaderId: node });
const follows = (at: number, node: NodeId, term: number, message: 'requestVote' | 'heartbeat'): Loose =>
  moved(
    at,
    node,
    'alive.follower',
    { role: 'follower', term },
    {
      cause: `${message} from node 2, term ${term}`,
      heard: { from: 2, nr: null, message, entries: 0, text: '' },
    },
  );

describe('the chronicle of a recording', () => {
  it('tells of an election whose timer ran out and why, who stood, and with which votes who won', () => {
    expect(
      tellingsOf(
        crashed(100),
        asks(240, 1),
        hears(242, 1, [2, true]),
        stands(243, 1, 2),
        hears(245, 1, [2, true]),
        leads(245, 1),
      ),
    ).to.deep.equal([
      'fault: node 0 crashed',
      'timeout: node 1 asks whether it could win term 2: its election timer of 200 ms ran out without a word from node 0, which had crashed 140 ms before',
      'standing: node 1 stands for election in term 2: 2 of 3 would vote for it, 2 are needed',
      'election: node 1 leads term 2 with the votes of 1 and 2, 2 of 3 needed',
    ]);
  });

  it('gives what kept the leader from being heard as far as it is known', () => {
    const groups = [[0], [1, 2]];
    const slow = { ...cleanLink, latencyMsMin: 200, latencyMsMax: 400 };
    const cases: [Loose[], string][] = [
      [[{ kind: 'life', at: 10, node: 0, life: 'stopped' }], 'which was stopped 190 ms before'],
      [[{ kind: 'life', at: 10, node: 0, life: 'paused' }], 'which was paused 190 ms before'],
      [[{ kind: 'network', at: 10, groups, link: cleanLink, links: [] }], 'from which a partition keeps it'],
      [
        [
          {
            kind: 'network',
            at: 10,
            groups: [[0, 1, 2]],
            link: cleanLink,
            links: [{ from: 0, to: 1, policy: { ...cleanLink, cut: true } }],
          },
        ],
        'the link from which is cut',
      ],
      [
        [{ kind: 'network', at: 10, groups: [[0, 1, 2]], link: slow, links: [] }],
        'whose messages take 200 to 400 ms',
      ],
      [
        [{ kind: 'network', at: 10, groups: [[0, 1, 2]], link: { ...cleanLink, loss: 0.3 }, links: [] }],
        'whose messages are lost at 30 %',
      ],
      [[moved(10, 0, 'alive.follower', { role: 'follower' })], 'which leads no longer'],
      [[], 'which runs: its messages came too late'],
    ];
    for (const [before, reason] of cases) {
      expect(tellingsOf(...before, asks(200, 1)).at(-1)).to.match(new RegExp(`node 0, ${reason}$`));
    }
    expect(tellingsOf(asks(200, 1, 'host.campaign'))).to.deep.equal([
      'timeout: node 1 asks whether it could win term 2: it was told to stand',
    ]);
  });

  it('tells what became of those who did not win', () => {
    expect(
      tellingsOf(
        asks(200, 1),
        hears(201, 1, [2, true]),
        stands(202, 1, 2),
        hears(203, 1, [2, false]),
        follows(204, 1, 3, 'requestVote'),
      ).at(-1),
    ).to.equal('failing: node 1 does not win term 2 with 1 of 3 votes: node 2 told it of a newer term');
    expect(tellingsOf(asks(200, 1), follows(201, 1, 2, 'heartbeat')).at(-1)).to.equal(
      'failing: node 1 does not win term 2: it heard node 2, which leads',
    );
    expect(tellingsOf(asks(200, 1), crashed(210, 1)).at(-2)).to.equal('fault: node 1 crashed');
  });

  it('tells once of one who asks in vain, and how often until the step on show', () => {
    const timeline = timelineOf(asks(200, 1), asks(450, 1), asks(700, 1), crashed(800));
    const [asking, fault] = timeline.chronicle.told;
    expect(asking?.repeats).to.deep.equal([6, 7]);
    expect(fault?.text).to.equal('node 0 crashed');
    expect(timeline.chronicle.told).to.have.length(2);
  });

  it('tells when a leader resigns, and why', () => {
    const lost = 'alive.leader.pulse.beating:after heartbeatInterval:0';
    expect(tellingsOf(moved(500, 0, lost, { role: 'follower' }))).to.deep.equal([
      'failing: node 0 leads no longer (term 1): for an election timeout no majority had answered it',
    ]);
    expect(tellingsOf(follows(500, 0, 2, 'requestVote'))).to.deep.equal([
      'failing: node 0 leads no longer (term 1): node 2 told it of a newer term',
    ]);
  });

  it('tells who may stand', () => {
    expect(
      tellingsOf(moved(1, 1, 'x:y:0', { candidacy: false }), moved(2, 1, 'x:y:0', { candidacy: true })),
    ).to.deep.equal(['fault: node 1 may not stand for election', 'repair: node 1 may stand for election']);
  });

  it('knows of each step how far an election had come by it', () => {
    const timeline = timelineOf(
      asks(200, 1),
      hears(201, 1, [2, true]),
      stands(202, 1, 2),
      moved(203, 2, 'x:y:0', { term: 2, votedFor: 1 }),
      hears(204, 1, [2, true]),
      leads(204, 1),
    );
    const { campaigns } = timeline.chronicle;
    const seen = Array.from({ length: 6 }, (_, at) => {
      const nr = opening.length + 1 + at;
      const [{ preVotes, stood, end } = { preVotes: [], stood: null, end: null }] = campaigns.until(nr);
      return [
        preVotes.length,
        stood?.votes.length ?? null,
        end?.isElected ?? null,
        campaigns.castsIn(2, nr).length,
      ];
    });
    expect(seen).to.deep.equal([
      [1, null, null, 0],
      [2, null, null, 0],
      [2, 1, null, 1],
      [2, 1, null, 2],
      [2, 2, null, 2],
      [2, 2, true, 2],
    ]);
    expect(campaigns.until(opening.length)).to.deep.equal([]);
  });
});
