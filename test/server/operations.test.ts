import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { KeyValueClient } from '../../src/application/key-value/client.js';
import { RaftClient } from '../../src/client/raft-client.js';
import { metricNames } from '../../src/cluster/metrics/metrics-text.js';
import { certificateFiles, writeDevelopmentCertificates } from '../../src/server/development-certificates.js';
import { program } from '../cli/program.js';
import { freePorts } from './server-world.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const guide = readFileSync(join(root, 'docs/operations.md'), 'utf8');
const manifest = readFileSync(join(root, 'deploy/kubernetes.yaml'), 'utf8');

/** What `conclave WORD --help` says of its options and their variables. */
async function helpOf(word: string): Promise<string> {
  const child = spawn(process.execPath, [program, word, '--help']);
  let said = '';
  child.stdout.on('data', (text) => {
    said += text;
  });
  await once(child, 'close');
  return said.replace(/\s+/g, ' ');
}

describe('docs/operations.md', () => {
  it('names every metric that there is, and none that is not', () => {
    const told = [...guide.matchAll(/conclave_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, ''));
    expect([...new Set(told)].toSorted()).to.deep.equal([...metricNames].toSorted());
  });

  it('gives commands with options that there are', async () => {
    const commands = [...guide.matchAll(/^ {4}conclave (\S+) ?(.*)$/gm)];
    expect(commands).to.have.length.above(2);
    for (const [line, word = '', rest = ''] of commands) {
      const help = await helpOf(word);
      expect(help, line).to.include(`Usage: conclave ${word}`);
      for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(help, line).to.include(`${option} `);
    }
  });

  it('names every option of the server and its variable', async () => {
    const help = await helpOf('server');
    const options = [
      ...help.matchAll(/(--[a-z-]+)(?: <[^>]+>| \[[^\]]+\])? (?:(?!--).)*?\(.*?env: (CONCLAVE_[A-Z_]+)\)/g),
    ];
    const told = [...guide.matchAll(/^\| `(--[a-z-]+)[^`]*` +\| `(CONCLAVE_[A-Z_]+)`/gm)];
    const pairs = (found: readonly RegExpMatchArray[]) =>
      found.map(([, name, env]) => `${name} ${env}`).toSorted();
    expect(pairs(told)).to.deep.equal(pairs(options));
    const named = [...help.matchAll(/ (--[a-z-]+)/g)].map(([, name]) => name);
    for (const name of named)
      if (name !== '--help' && name !== '--version') expect(guide).to.include(`\`${name}`);
  });
});

interface Container {
  readonly command: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

describe('deploy/kubernetes.yaml', function () {
  this.timeout(120_000);
  const objects = parseAllDocuments(manifest).map((document) => {
    expect(document.errors).to.deep.equal([]);
    return document.toJS();
  });
  const of = (kind: string, name = 'conclave') =>
    objects.find((object) => object.kind === kind && object.metadata.name === name);
  const set = of('StatefulSet').spec;
  const [container] = set.template.spec.containers as [Container];
  const running = new Set<ChildProcess>();
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'conclave-kubernetes-'));
  });
  afterEach(async () => {
    for (const child of running) child.kill('SIGKILL');
    await Promise.all([...running].map((child) => once(child, 'exit')));
    rmSync(directory, { recursive: true, force: true });
  });

  it('lets members find each other before they serve, all at once, and lose one at a time', () => {
    const { spec } = of('Service');
    expect(spec).to.deep.include({ clusterIP: 'None', publishNotReadyAddresses: true });
    expect(spec.selector).to.deep.equal(set.template.metadata.labels);
    expect(of('Service', 'conclave-clients').spec).to.not.have.property('publishNotReadyAddresses');
    expect(set).to.deep.include({ serviceName: 'conclave', podManagementPolicy: 'Parallel', replicas: 3 });
    const budget = of('PodDisruptionBudget').spec;
    expect(budget.maxUnavailable).to.equal(1);
    expect(budget.selector).to.deep.equal(set.selector);
    const [claim] = set.volumeClaimTemplates;
    expect(container.volumeMounts).to.deep.include({
      name: claim.metadata.name,
      mountPath: '/var/lib/conclave',
    });
    const [, members] =
      container.env.find(({ name }) => name === 'CONCLAVE_MEMBERS')?.value?.match(/^(.*)$/) ?? [];
    const named = (members ?? '').split(',').map((each) => each.split('='));
    const pods = Array.from({ length: set.replicas }, (_, at) => [`${at}`, `conclave-${at}.conclave:7001`]);
    expect(named).to.deep.equal(pods);
  });

  it('starts with its commands as written a cluster that its probes find alive and ready', async () => {
    const ports = await freePorts(6);
    const bin = join(directory, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'conclave'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
    chmodSync(join(bin, 'conclave'), 0o755);
    const certificates = join(directory, 'certificates');
    await writeDevelopmentCertificates(certificates, {
      cluster: 'shop',
      nodes: [0, 1, 2],
      clients: [{ role: 'writer', name: 'test' }],
    });
    const addresses = [0, 1, 2].map((at) => `127.0.0.1:${ports[at]}`);

    /** As a kubelet does it; what is this machine's takes the place of what is the pod's. */
    function start(at: number): ChildProcess {
      const here: Record<string, string> = {
        CONCLAVE_DATA: join(directory, `data-${at}`),
        CONCLAVE_LISTEN: addresses[at]!,
        CONCLAVE_ADVERTISE: addresses[at]!,
        CONCLAVE_MEMBERS: addresses.map((address, id) => `${id}=${address}`).join(','),
        CONCLAVE_CERTIFICATES: certificates,
        CONCLAVE_ADMIN: `127.0.0.1:${ports[at + 3]}`,
        CONCLAVE_ELECTION_TIMEOUT: '500-1000',
      };
      const env: Record<string, string> = { PATH: `${bin}:${process.env.PATH}` };
      for (const { name, value, valueFrom } of container.env) {
        if (valueFrom !== undefined) {
          expect(valueFrom).to.deep.equal({ fieldRef: { fieldPath: 'metadata.name' } });
          env[name] = `conclave-${at}`;
        } else {
          env[name] = (value ?? '').replace(/\$\((\w+)\)/g, (_, other) => env[other] ?? expect.fail(other));
        }
      }
      expect(env.CONCLAVE_ADVERTISE).to.equal(`conclave-${at}.conclave:7001`);
      expect(Object.keys(here).filter((name) => !(name in env))).to.deep.equal(['CONCLAVE_ELECTION_TIMEOUT']);
      const [file = '', ...words] = container.command;
      const child = spawn(file, words, { env: { ...env, ...here }, stdio: ['ignore', 'ignore', 'inherit'] });
      running.add(child);
      child.once('exit', () => running.delete(child));
      return child;
    }

    const portOf = (name: string) => container.ports.find((port) => port.name === name)?.containerPort;
    expect([portOf('members'), portOf('admin')]).to.deep.equal([7001, 7002]);
    async function probe(at: number, { httpGet: { path, port } }: Probe): Promise<number> {
      expect(port).to.equal('admin');
      return fetch(`http://127.0.0.1:${ports[at + 3]}${path}`).then(
        ({ status }) => status,
        () => 0,
      );
    }
    async function until(at: number, which: Probe, status: number): Promise<void> {
      while ((await probe(at, which)) !== status) await new Promise((resolve) => setTimeout(resolve, 50));
    }

    const first = start(0);
    await until(0, container.livenessProbe, 200);
    expect(await probe(0, container.readinessProbe)).to.equal(503);
    start(1);
    start(2);
    for (const at of [0, 1, 2]) await until(at, container.readinessProbe, 200);
    const client = await RaftClient.connect(addresses, {
      tls: certificateFiles(certificates, { kind: 'client', cluster: 'shop', role: 'writer', name: 'test' }),
    });
    await new KeyValueClient(client).put('colour', 'blue', { timeoutMs: 20_000 });
    // A pod is ended, and comes back under its name.
    first.kill('SIGTERM');
    const [code] = await once(first, 'exit');
    expect(code).to.equal(143);
    await new KeyValueClient(client).put('colour', 'red', { timeoutMs: 20_000 });
    start(0);
    await until(0, container.readinessProbe, 200);
    expect(await new KeyValueClient(client).get('colour')).to.equal('red');
    await client.close();
  });
});
