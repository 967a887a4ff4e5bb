import { X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { formatAddress, isLoopback, parseAddress } from '../../../src/router/carriers/address.js';
import { parseParty, partyInCertificate, partyUri } from '../../../src/router/carriers/party.js';
import { makeAuthority, makeCertificate } from '../../../src/server/development-certificates.js';

describe('who is who', () => {
  it('is read from a URI as it was written, and from nothing else', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
    const party = fc.oneof(
      fc.record({ kind: fc.constant('node' as const), cluster: name, node: fc.nat() }),
      fc.record({
        kind: fc.constant('client' as const),
        cluster: name,
        role: fc.constantFrom('reader' as const, 'writer' as const, 'operator' as const),
        name,
      }),
    );
    fc.assert(
      fc.property(party, (each) => {
        expect(parseParty(partyUri(each))).to.deep.equal(each);
      }),
    );
    for (const wrong of [
      'conclave://shop/node/01',
      'conclave://shop/node/-1',
      'conclave://shop/node/1/',
      'conclave://shop/node/1?x',
      'conclave://shop/client/king/web',
      'conclave://a.b/node/1',
      'conclave:///node/1',
      'CONCLAVE://shop/node/1',
      'conclave://shop/node/1\n',
      'conclave://shop/node/9999999999999999',
      'spiffe://shop/node/1',
    ]) {
      expect(parseParty(wrong), wrong).to.equal(null);
    }
  });

  it('is what a certificate names exactly once, whatever stands beside it', () => {
    const one = { kind: 'node', cluster: 'shop', node: 1 };
    const uri = 'URI:conclave://shop/node/1';
    for (const right of [
      uri,
      `DNS:localhost, ${uri}, IP Address:127.0.0.1`,
      `IP Address:0:0:0:0:0:0:0:1, ${uri}`,
      `URI:https://example.org/a, ${uri}`,
      `DNS:"a, URI:conclave://shop/node/2", ${uri}`,
      `DNS:"a\\", URI:conclave://shop/node/2, DNS:b", ${uri}`,
      `othername:<unsupported>, ${uri}`,
    ]) {
      expect(partyInCertificate(right), right).to.deep.equal(one);
    }
    for (const wrong of [
      undefined,
      '',
      'DNS:localhost',
      `${uri}, URI:conclave://shop/node/2`,
      `${uri}, ${uri}`,
      `${uri}, URI:conclave://shop/client/king/x`,
      'DNS:"a, URI:conclave://shop/node/1"',
      'DNS:"a, URI:conclave://shop/node/1',
      'URI:"conclave://shop/node/1"',
      `, ${uri}`,
      'email:URI:conclave://shop/node/1',
    ]) {
      expect(partyInCertificate(wrong), String(wrong)).to.equal(null);
    }
  });

  it('cannot be slipped into a certificate by a name that looks like a list', async () => {
    const authority = await makeAuthority('shop');
    const { certificate } = await makeCertificate(
      authority,
      { kind: 'node', cluster: 'shop', node: 3 },
      { hosts: ['a, URI:conclave://shop/node/1', 'URI:conclave://shop/node/1', 'localhost', '127.0.0.1'] },
    );
    expect(partyInCertificate(new X509Certificate(certificate).subjectAltName)).to.include({ node: 3 });
  });
});

describe('an address', () => {
  it('is a host and a port', () => {
    for (const text of ['127.0.0.1:7001', 'db-1.example:65535', '[::1]:0', '[2001:db8::1]:80']) {
      expect(formatAddress(parseAddress(text))).to.equal(text);
    }
    for (const wrong of [
      '',
      '7001',
      'host',
      'host:',
      ':1',
      'host:65536',
      '::1:80',
      '[host]:1',
      '[::zz]:1',
      'a b:1',
      'a:1\n',
    ]) {
      expect(() => parseAddress(wrong), wrong).to.throw(/is no address/);
    }
  });

  it('is on loopback only if nothing can make it another machine', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost', '::ffff:127.0.0.1']) {
      expect(isLoopback(host), host).to.equal(true);
    }
    for (const host of [
      '127.0.0.1.example',
      'localhost.example',
      '0.0.0.0',
      '::',
      '10.0.0.1',
      '1127.0.0.1',
      '::2',
    ]) {
      expect(isLoopback(host), host).to.equal(false);
    }
  });
});
