import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { CredentialsError, reasonOf } from '../errors.js';
import type { CredentialFiles } from '../options.js';
import { type Party, partyInCertificate, partyUri } from '../party.js';

/** What a TLS context is made from. */
export interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Until when the certificate is good, for people. */
  readonly validTo: string;
}

/**
 * Reads the files, and makes sure that they are of use: that they belong together, and name whom they should.
 * Whether the certificate is in its time, others judge.
 * @throws CredentialsError
 */
export async function readCredentials(files: CredentialFiles, self: Party): Promise<Credentials> {
  const [ca, cert, key] = (await Promise.all(
    [files.authority, files.certificate, files.key].map((file) => read(file)),
  )) as [string, string, string];
  const certificate = parse(files.certificate, cert);
  parse(files.authority, ca);
  try {
    createSecureContext({ ca, cert, key });
  } catch (cause) {
    throw new CredentialsError(
      `The key ${files.key} and the certificate ${files.certificate} are not of use: ${reasonOf(cause)}.`,
      'Give a PEM key without a passphrase, and the certificate that was made for it.',
      { cause },
    );
  }
  const named = partyInCertificate(certificate.subjectAltName);
  if (named === null || partyUri(named) !== partyUri(self)) {
    throw new CredentialsError(
      `The certificate ${files.certificate} names ${named === null ? 'nobody that is known here' : partyUri(named)}.`,
      `Give one with ${partyUri(self)} as its only URI of this scheme (a subject alternative name).`,
    );
  }
  return { ca, cert, key, validTo: certificate.validTo };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CredentialsError(
      `${file} cannot be read: ${reasonOf(cause)}.`,
      'Give the paths of an authority, a certificate and a key as PEM files.',
      { cause },
    );
  }
}

function parse(file: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (cause) {
    throw new CredentialsError(`${file} holds no certificate: ${reasonOf(cause)}.`, 'Give a PEM file.', {
      cause,
    });
  }
}

/** Whom a certificate names. @throws CredentialsError */
export async function partyOfCertificate(file: string): Promise<Party> {
  const party = partyInCertificate(parse(file, await read(file)).subjectAltName);
  if (party !== null) return party;
  throw new CredentialsError(
    `The certificate ${file} names nobody that is known here.`,
    'Give one with exactly one conclave: URI as a subject alternative name.',
  );
}
