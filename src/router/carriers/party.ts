import { InvalidOptionError } from '../../ground/errors.js';
import type { NodeId } from '../../ground/ids.js';
import { shown } from '../../ground/option-checks.js';

/*
 * Who is who. A certificate names its owner in one SAN entry of type URI:
 *
 *     conclave://CLUSTER/node/ID              a member of the cluster
 *     conclave://CLUSTER/client/ROLE/NAME     a program that uses it; ROLE is reader, writer or operator
 *
 * Other entries (host names, addresses, other schemes) may stand beside it and mean nothing here. More than one of
 * these, and the certificate names nobody.
 */

export const clientRoles = ['reader', 'writer', 'operator'] as const;
export type ClientRole = (typeof clientRoles)[number];

export interface NodeParty {
  readonly kind: 'node';
  readonly cluster: string;
  readonly node: NodeId;
}

export interface ClientParty {
  readonly kind: 'client';
  readonly cluster: string;
  readonly role: ClientRole;
  readonly name: string;
}

export type Party = NodeParty | ClientParty;

/** Fits into a URI and into a subject of NATS as it is. */
const name = '[A-Za-z0-9_-]{1,64}';
const clusterForm = new RegExp(`^${name}$`);
const partyForm = new RegExp(
  `^conclave://(${name})/(?:node/(0|[1-9][0-9]{0,14})|client/(${clientRoles.join('|')})/(${name}))$`,
);

/** @throws InvalidOptionError */
export function requireName(what: string, value: unknown): void {
  if (typeof value === 'string' && clusterForm.test(value)) return;
  throw new InvalidOptionError(
    `${what} is ${shown(value)}. Give 1 to 64 letters, digits, hyphens and underscores.`,
  );
}

/** The URI that names a party in its certificate. */
export function partyUri(party: Party): string {
  return party.kind === 'node'
    ? `conclave://${party.cluster}/node/${party.node}`
    : `conclave://${party.cluster}/client/${party.role}/${party.name}`;
}

/** How a party is called within its cluster, for people. */
export function partyText(party: Party): string {
  return party.kind === 'node' ? `node ${party.node}` : `client ${party.name} (${party.role})`;
}

/** The party that a URI names, or null. */
export function parseParty(uri: string): Party | null {
  const [, cluster, node, role, client] = partyForm.exec(uri) ?? [];
  if (cluster === undefined) return null;
  if (node !== undefined) return { kind: 'node', cluster, node: Number(node) };
  return { kind: 'client', cluster, role: role as ClientRole, name: client as string };
}

/** One entry as Node.js writes it: what could be taken for more than one is quoted. */
const entry = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;

/**
 * The party that a certificate names, from its `subjectAltName` in Node's notation. Null if there is not exactly
 * one, or the list cannot be read to its end.
 */
export function partyInCertificate(subjectAltName: string | undefined): Party | null {
  if (subjectAltName === undefined) return null;
  const named: string[] = [];
  let at = 0;
  while (at < subjectAltName.length) {
    entry.lastIndex = at;
    const [all, type, value] = entry.exec(subjectAltName) ?? [];
    if (all === undefined || all === '') return null;
    at += all.length;
    if (type === 'URI' && value?.startsWith('conclave:')) named.push(value);
  }
  return named.length === 1 ? parseParty(named[0] as string) : null;
}
