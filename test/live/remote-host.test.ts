import { openLocalHost } from '../../src/hosts/local.js';
import { openLocalChannel } from '../../src/hosts/local-channel.js';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import { conformance } from '../hosts/host-conformance.js';

conformance('local', openLocalHost, { becomesOwner: false });
conformance('over a shell', (entry) => openRemoteHost(entry, openLocalChannel(entry.name)), { becomesOwner: true });
