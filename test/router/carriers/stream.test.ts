import { itServesClients } from './client-conformance.js';
import { itCarries } from './conformance.js';
import { StreamClientWorld, StreamWorld } from './stream-world.js';

itCarries('TLS', async () => new StreamWorld('tls'));
itCarries('plain TCP', async () => new StreamWorld('tcp'));
itServesClients('plain TCP', async () => new StreamClientWorld());
