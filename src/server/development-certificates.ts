import { generateKeyPair, randomBytes, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { pki } from 'node-forge';
import { InvalidOptionError } from '../ground/errors.js';
import type { NodeId } from '../ground/ids.js';
import { requireInteger } from '../ground/option-checks.js';
import { type ClientRole, type Party, partyUri, requireName } from '../router/carriers/party.js';

/*
 * Certificates for a first try of TLS, and for tests. For development only: the authority's key lies beside what it
 * has signed, so whoever reads the directory can make himself any node. In production, let your own authority sign.
 */

/** How long what is made here is good, in days: too short to be forgotten in production. */
export const developmentDays = 30;

export interface DevelopmentAuthority {
  /** PEM texts. */
  readonly certificate: string;
  readonly key: string;
}

export interface SignedCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface Validity {
  /** Milliseconds since 1970 (now, and `developmentDays` later). */
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** An authority that signs for one cluster. For development only. */
export async function makeAuthority(cluster: string, validity: Validity = {}): Promise<DevelopmentAuthority> {
  requireName('cluster', cluster);
  const keys = await makeKeys();
  const { pki: tools } = await forge();
  const certificate = await blank(keys.publicKey, validity);
  const name = [{ name: 'commonName', value: `Conclave development authority of ${cluster}` }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  return signed(tools, certificate, keys, keys.privateKey);
}

/**
 * A certificate that names a party, signed by the authority. For development only.
 * @param hosts further names and addresses in it, for programs that look for them.
 */
export async function makeCertificate(
  authority: DevelopmentAuthority,
  party: Party,
  { hosts = [], ...validity }: Validity & { readonly hosts?: readonly string[] } = {},
): Promise<SignedCertificate> {
  const keys = await makeKeys();
  const { pki: tools } = await forge();
  const issuer = tools.certificateFromPem(authority.certificate);
  const certificate = await blank(keys.publicKey, validity);
  const commonName = party.kind === 'node' ? `node-${party.node}` : party.name;
  certificate.setSubject([{ name: 'commonName', value: commonName }]);
  certificate.setIssuer(issuer.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
    // A node dials and is dialed.
    { name: 'extKeyUsage', clientAuth: true, serverAuth: party.kind === 'node' },
    {
      name: 'subjectAltName',
      altNames: [{ type: 6, value: partyUri(party) }, ...hosts.map(hostEntry)],
    },
  ]);
  return signed(tools, certificate, keys, authority.key);
}

/** An address or a name, as a certificate has them. */
function hostEntry(host: string): object {
  return /^[\d.]+$|:/.test(host) ? { type: 7, ip: host } : { type: 2, value: host };
}

export interface CertificatesRequest {
  readonly cluster: string;
  readonly nodes: readonly NodeId[];
  readonly clients?: readonly { readonly role: ClientRole; readonly name: string }[];
}

/** The files of one party in a directory of certificates. */
export function certificateFiles(directory: string, party: Party) {
  const name = party.kind === 'node' ? `node-${party.node}` : `${party.role}-${party.name}`;
  return {
    authority: join(directory, 'authority.pem'),
    certificate: join(directory, `${name}.pem`),
    key: join(directory, `${name}-key.pem`),
  };
}

/**
 * Writes an authority (unless the directory has one, which then signs), and a certificate and key for each party.
 * Files that are there are replaced. For development only.
 * @throws InvalidOptionError
 */
export async function writeDevelopmentCertificates(
  directory: string,
  { cluster, nodes, clients = [] }: CertificatesRequest,
): Promise<void> {
  requireName('cluster', cluster);
  for (const node of nodes) requireInteger('A node', node, 0, 10 ** 15 - 1);
  for (const { name } of clients) requireName("A client's name", name);
  await mkdir(directory, { recursive: true });
  const authority = await authorityIn(directory, cluster);
  const parties: Party[] = [
    ...nodes.map((node) => ({ kind: 'node', cluster, node }) as const),
    ...clients.map((client) => ({ kind: 'client', cluster, ...client }) as const),
  ];
  for (const party of parties) {
    const files = certificateFiles(directory, party);
    const { certificate, key } = await makeCertificate(authority, party, {
      hosts: ['localhost', '127.0.0.1'],
    });
    await writeKey(files.key, key);
    await writeFile(files.certificate, certificate);
  }
}

async function authorityIn(directory: string, cluster: string): Promise<DevelopmentAuthority> {
  const [file, keyFile] = [join(directory, 'authority.pem'), join(directory, 'authority-key.pem')];
  const found = await Promise.all([file, keyFile].map((each) => readFile(each, 'utf8').catch(() => null)));
  const [certificate, key] = found;
  if (certificate && key) {
    const { subject } = new X509Certificate(certificate);
    if (subject.endsWith(` of ${cluster}`)) return { certificate, key };
    throw new InvalidOptionError(
      `${directory} holds the authority of another cluster (${subject}). Choose another directory, or name that cluster.`,
    );
  }
  const made = await makeAuthority(cluster);
  await writeKey(keyFile, made.key);
  await writeFile(file, made.certificate);
  return made;
}

/** Nobody else reads it, not even while it is written. */
async function writeKey(file: string, key: string): Promise<void> {
  await writeFile(file, key, { mode: 0o600 });
  await chmod(file, 0o600);
}

interface Keys {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** By Node's own generator; the library makes certificates, not secrets. */
async function makeKeys(): Promise<Keys> {
  return promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

/** Loaded only when something is to be made. */
async function forge(): Promise<typeof import('node-forge')> {
  return (await import('node-forge')).default;
}

async function blank(publicKey: string, { fromMs, toMs }: Validity): Promise<pki.Certificate> {
  const { pki: tools } = await forge();
  const certificate = tools.createCertificate();
  certificate.publicKey = tools.publicKeyFromPem(publicKey);
  // Positive and without a leading zero, or it could not be read: its first byte is from 0x40 to 0x7f.
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8() & 0x3f) | 0x40);
  certificate.serialNumber = serial.toString('hex');
  const now = Date.now();
  // A little earlier, for the machine next door whose clock is late.
  certificate.validity.notBefore = new Date(fromMs ?? now - 60_000);
  certificate.validity.notAfter = new Date(toMs ?? now + developmentDays * 86_400_000);
  return certificate;
}

async function signed(
  tools: typeof pki,
  certificate: pki.Certificate,
  { privateKey }: Keys,
  signingKey: string,
): Promise<SignedCertificate> {
  const { md } = await forge();
  certificate.sign(tools.privateKeyFromPem(signingKey), md.sha256.create());
  return { certificate: tools.certificateToPem(certificate), key: privateKey };
}
