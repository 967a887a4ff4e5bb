import type { Lane } from '../lane.js';
import { type ClientRole, clientRoles, type Party } from '../party.js';

/*
 * Who speaks to whom on the bus, and about what:
 *
 *     conclave.CLUSTER.RECEIVER.SENDER.WHAT           between nodes
 *     conclave.CLUSTER.RECEIVER.SENDER.WHAT.LIFE      between a client and a node; LIFE is the client's process
 *
 * A node is its number there, a client its role and its name: `writer-till`. What is published to `members` every
 * member hears. That a sender publishes under its own name alone is the server's to hold.
 */

/** What nodes say to nodes. */
export type NodeTopic = 'greet' | Lane;

/** What clients say to nodes: who is there, greetings, requests. */
export const clientTopics = ['seek', 'hello', 'ask'] as const;
export type ClientTopic = (typeof clientTopics)[number];

/** What nodes say to clients, and, `nobody`, the bus: that no node of that number is there. */
export const answerTopics = ['present', 'welcome', 'answer', 'nobody'] as const;
export type AnswerTopic = (typeof answerTopics)[number];

/** In the place of a receiver: every member. */
export const everyMember = 'members';

/** A party as a token of a subject. */
export function tokenOf(party: Party): string {
  return party.kind === 'node' ? String(party.node) : `${party.role}-${party.name}`;
}

export function subjectOf(
  cluster: string,
  receiver: string,
  sender: string,
  topic: NodeTopic | ClientTopic | AnswerTopic | '*',
  life?: number | '*',
): string {
  const subject = `conclave.${cluster}.${receiver}.${sender}.${topic}`;
  return life === undefined ? subject : `${subject}.${life}`;
}

export interface Spoken {
  readonly sender: Party;
  readonly topic: string;
  /** Of the client's process that speaks or is spoken to; null between nodes. */
  readonly life: number | null;
}

/** Who has published, and about what; null if nobody may who is known here. */
export function spokenOn(subject: string): Spoken | null {
  const [, cluster = '', , from = '', topic = '', life] = subject.split('.');
  const sender = partyOfToken(cluster, from);
  const process = life === undefined ? null : Number(life);
  if (sender === null || (process !== null && !Number.isSafeInteger(process))) return null;
  return { sender, topic, life: process };
}

function partyOfToken(cluster: string, token: string): Party | null {
  if (/^(0|[1-9]\d{0,14})$/.test(token)) return { kind: 'node', cluster, node: Number(token) };
  const at = token.indexOf('-');
  const role = clientRoles.find((each): each is ClientRole => each === token.slice(0, at));
  return role === undefined ? null : { kind: 'client', cluster, role, name: token.slice(at + 1) };
}
