import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readCredentials } from '../../src/router/carriers/stream/credentials.js';
import {
  certificateFiles,
  developmentDays,
  writeDevelopmentCertificates,
} from '../../src/server/development-certificates.js';

describe('certificates for a first try', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'conclave-development-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('are what a carrier takes, for nodes and clients, and soon no good any more', async () => {
    const clients = [{ role: 'operator', name: 'admin' }] as const;
    await writeDevelopmentCertificates(directory, { cluster: 'shop', nodes: [1, 2], clients });
    const parties = [
      { kind: 'node', cluster: 'shop', node: 2 } as const,
      { kind: 'client', cluster: 'shop', ...clients[0] } as const,
    ];
    for (const party of parties) {
      const files = certificateFiles(directory, party);
      expect((await readCredentials(files, party)).cert).to.equal(await readFile(files.certificate, 'utf8'));
      const certificate = new X509Certificate(await readFile(files.certificate));
      const authority = new X509Certificate(await readFile(files.authority));
      expect(certificate.verify(authority.publicKey)).to.equal(true);
      // A number that began with a zero byte made one in 512 unreadable.
      for (const { serialNumber } of [certificate, authority])
        expect(serialNumber)
          .to.match(/^[4-7]/)
          .with.length(32);
      expect(certificate.ca).to.equal(false);
      expect(authority.ca).to.equal(true);
      const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000;
      expect(days).to.be.within(developmentDays - 1, developmentDays);
    }
  });

  it('have keys that nobody else may read', async () => {
    await writeDevelopmentCertificates(directory, { cluster: 'shop', nodes: [1] });
    for (const file of await readdir(directory)) {
      const { mode } = await stat(join(directory, file));
      if (file.endsWith('-key.pem')) expect(mode & 0o777, file).to.equal(0o600);
    }
    expect(await readdir(directory)).to.have.members([
      'authority.pem',
      'authority-key.pem',
      'node-1.pem',
      'node-1-key.pem',
    ]);
  });

  it('for more nodes are signed by the authority that is there, if it is this cluster’s', async () => {
    await writeDevelopmentCertificates(directory, { cluster: 'shop', nodes: [1] });
    const authority = await readFile(join(directory, 'authority.pem'), 'utf8');
    await writeDevelopmentCertificates(directory, { cluster: 'shop', nodes: [2] });
    expect(await readFile(join(directory, 'authority.pem'), 'utf8')).to.equal(authority);
    const other = writeDevelopmentCertificates(directory, { cluster: 'bank', nodes: [1] });
    expect(await other.then(String, (error: Error) => error.message)).to.match(
      /authority of another cluster/,
    );
  });

  it('are made for names that there can be', async () => {
    const wrong = (cluster: string, nodes: number[]) =>
      writeDevelopmentCertificates(directory, { cluster, nodes }).then(
        String,
        (error: Error) => error.message,
      );
    expect(await wrong('../shop', [1])).to.match(/cluster is \.\.\/shop/);
    expect(await wrong('shop', [1.5])).to.match(/A node is 1.5/);
    expect(await readdir(directory)).to.have.length(0);
  });
});
