import { itCarries } from './conformance.js';
import { StreamWorld } from './stream-world.js';

itCarries('TLS', async () => new StreamWorld('tls'));
itCarries('plain TCP', async () => new StreamWorld('tcp'));
