// biome-ignore-all lint/suspicious/noTemplateCurlyInString: code of the function, run there
import { ABSENT, type Attempt, NOT_CAPABLE, REFUSED } from "../stage.ts";

type Row = readonly [way: string, code: string, expect?: RegExp, inPod?: RegExp];

/** In a pod a function may listen on 0.0.0.0, and so connect to it: nobody but itself is there. */
const GRANTED_IN_POD = { elsewhere: { pod: /^returned / } };
const isUnspecified = (host: string) => ["0.0.0.0", "0", "0x0"].includes(host);

/** Never connected to: the permission system is asked about them. */
const PRIVATE = [
  "127.0.0.1",
  "127.8.9.10:80",
  "0.0.0.0",
  "10.0.0.1",
  "10.255.255.255:443",
  "100.64.0.1",
  "100.100.100.200",
  "168.63.129.16",
  "169.254.169.254",
  "169.254.170.2",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.2.2",
  "192.168.1.1",
  "198.18.0.1",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.251",
  "255.255.255.255",
  "[::]",
  "[::1]",
  "[0:0:0:0:0:0:0:1]",
  "[0000::0001]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[::FFFF:10.0.0.1]",
  "[::ffff:a9fe:a9fe]",
  "[::1%lo]",
  "[fd00:ec2::254]",
  "[fd20:ce::254]",
  "localhost",
  "LocalHost",
  "localhost.",
  "metadata.google.internal",
  "METADATA.google.internal.",
];

const asked: Attempt[] = PRIVATE.map((host) => ({
  title: `has no permission for ${host}`,
  code: `return net(${JSON.stringify(host)})`,
  expect: /^returned "denied"$/,
  ...(isUnspecified(host) ? GRANTED_IN_POD : {}),
}));

/** Loopback under other names, for which only the address says what they are: these really try. */
const SPELLINGS = ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.1", "0", "0x0"];

const spelled: Attempt[] = SPELLINGS.flatMap((host) => [
  {
    title: `does not connect to loopback spelled ${host}`,
    code: `return (await Deno.connect({ hostname: "${host}", port: given.port })).rid`,
    expect: NOT_CAPABLE,
    ...(isUnspecified(host) ? GRANTED_IN_POD : {}),
  },
  {
    title: `does not fetch loopback spelled ${host}`,
    code: `return (await fetch("http://${host}:" + given.port)).text()`,
    expect: NOT_CAPABLE,
    ...(isUnspecified(host) ? GRANTED_IN_POD : {}),
  },
]);

/** One row per way out, tried on loopback by number, where the neighbour listens. */
const clients: readonly Row[] = [
  ["fetch", "return (await fetch(`http://127.0.0.1:${given.port}/`)).text()"],
  ["fetch over IPv6", "return (await fetch(`http://[::1]:${given.port}/`)).text()"],
  [
    "a worker's fetch",
    "return inWorker(`fetch('http://127.0.0.1:${given.port}/').then((r) => r.text()).then(postMessage, (e) => postMessage(String(e)))`)",
    REFUSED,
  ],
  ["WebSocket", "return outcome(new WebSocket(`ws://127.0.0.1:${given.port}/`), 'open')"],
  [
    "EventSource",
    "return outcome(new EventSource(`http://127.0.0.1:${given.port}/`), 'open')",
    /^Error: error$/,
  ],
  ["Deno.connect", "return (await Deno.connect({ port: given.port })).rid"],
  ["Deno.connectTls", "return (await Deno.connectTls({ hostname: '127.0.0.1', port: given.port })).rid"],
  ["node:net", "return outcome((await import('node:net')).connect(given.port, '127.0.0.1'), 'connect')"],
  [
    "node:net with its own lookup",
    "return outcome((await import('node:net')).connect({ port: given.port, host: 'example.com', lookup: (_, o, done) => o.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4) }), 'connect')",
  ],
  [
    "node:tls",
    "return outcome((await import('node:tls')).connect(given.port, '127.0.0.1'), 'secureConnect')",
  ],
  [
    "node:http",
    "return outcome((await import('node:http')).get(`http://127.0.0.1:${given.port}/`), 'response')",
  ],
  [
    "node:https",
    "return outcome((await import('node:https')).get(`https://127.0.0.1:${given.port}/`), 'response')",
  ],
  [
    "node:http2",
    "return outcome((await import('node:http2')).connect(`http://127.0.0.1:${given.port}/`), 'connect')",
  ],
  [
    "node:dgram",
    "const s = (await import('node:dgram')).createSocket('udp4'); const o = outcome(s, 'sent'); s.send('x', given.port, '127.0.0.1', (error) => s.emit(error ? 'error' : 'sent', error)); return o",
    NOT_CAPABLE,
    /^Error: send UNKNOWN 127\.0\.0\.1:/,
  ],
  [
    "node:dns with a server of its own",
    "const d = await import('node:dns'); const r = new d.promises.Resolver({ timeout: 500, tries: 1 }); r.setServers([`127.0.0.1:${given.port}`]); return r.resolve4('example.com')",
  ],
  [
    "Deno.resolveDns with a server of its own",
    "return Deno.resolveDns('example.com', 'A', { nameServer: { ipAddr: '127.0.0.1', port: given.port } })",
  ],
  [
    "an http proxy",
    "return (await fetch('http://nowhere.invalid/', { client: Deno.createHttpClient({ proxy: { url: `http://127.0.0.1:${given.port}` } }) })).text()",
  ],
  [
    "an http proxy spelled as mapped IPv6",
    "return (await fetch('http://nowhere.invalid/', { client: Deno.createHttpClient({ proxy: { url: `http://[::ffff:127.0.0.1]:${given.port}` } }) })).text()",
  ],
  [
    "a socks5 proxy",
    "return (await fetch('http://nowhere.invalid/', { client: Deno.createHttpClient({ proxy: { url: `socks5://127.0.0.1:${given.port}` } }) })).text()",
  ],
  [
    "a tcp proxy",
    "return (await fetch('http://nowhere.invalid/', { client: Deno.createHttpClient({ proxy: { transport: 'tcp', hostname: '127.0.0.1', port: given.port } }) })).text()",
  ],
  [
    "Deno.connectQuic",
    "return (await Deno.connectQuic({ hostname: '127.0.0.1', port: given.port, alpnProtocols: ['h3'] })).protocol",
    ABSENT,
  ],
  ["WebTransport", "return (await new WebTransport(`https://127.0.0.1:${given.port}/`).ready)", ABSENT],
  ["Deno.startTls on a socket to it", "return Deno.startTls(await Deno.connect({ port: given.port }))"],
  [
    "a name in the hosts file",
    "return (await fetch(`http://${given.alias}:${given.port}/`)).text()",
    REFUSED,
  ],
  [
    "node:net and a name in the hosts file",
    "return outcome((await import('node:net')).connect(given.port, given.alias), 'connect')",
  ],
  ["Deno.openKv to a server", "return Deno.openKv(`http://127.0.0.1:${given.port}`)", ABSENT],
  ["import", "return import(`http://127.0.0.1:${given.port}/x.js`)", REFUSED],
];

/**
 * Deno reads these at each new HTTP client and asks no permission for the proxy that they name, so no
 * function can set them. Then the name is looked for directly, and does not exist.
 */
const proxies: Attempt[] = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"].map(
  (name) => ({
    title: `does not reach loopback by ${name} set at run time`,
    code: `const proxy = "http://[::ffff:7f00:1]:" + given.port;
    Deno.env.set("${name}", proxy);
    process.env.${name} = proxy;
    await Deno.writeTextFile(given.scratch + "/.env", "${name}=" + proxy);
    try { process.loadEnvFile(given.scratch + "/.env"); } catch (error) { if (error.name !== "NotCapable") throw error; }
    const scheme = "${name}".startsWith("HTTPS") ? "https" : "http";
    using client = Deno.createHttpClient({});
    return (await fetch(scheme + "://nowhere.invalid/", { client })).text()`,
    expect: /dns error/,
  }),
);

const listens: readonly Row[] = [
  [
    "a TCP port of every interface",
    "return Deno.listen({ port: 0 }).addr",
    NOT_CAPABLE,
    /^returned {"hostname":"0\.0\.0\.0",/,
  ],
  ["a TCP port of loopback", "return Deno.listen({ hostname: '127.0.0.1', port: 0 }).addr"],
  ["a TCP port over IPv6", "return Deno.listen({ hostname: '::', port: 0 }).addr"],
  ["a TCP port of the machine's own address", "return Deno.listen({ hostname: given.own, port: 0 }).addr"],
  ["a UDP port", "return Deno.listenDatagram({ transport: 'udp', port: 0 }).addr", ABSENT],
  ["node:http2", "return outcome((await import('node:http2')).createServer().listen(0), 'listening')"],
  ["node:net", "return outcome((await import('node:net')).createServer().listen(0), 'listening')"],
  [
    "node:http",
    "return outcome((await import('node:http')).createServer().listen(0, '127.0.0.1'), 'listening')",
    /^Error: A function has one server/,
  ],
  [
    "node:dgram",
    "const s = (await import('node:dgram')).createSocket('udp4'); const o = outcome(s, 'listening'); s.bind(0); return o",
    NOT_CAPABLE,
    /^returned "listening"$/,
  ],
  [
    "a Unix socket outside of scratch",
    "return Deno.listen({ transport: 'unix', path: given.outside + '/sock' }).addr",
  ],
  ["QUIC", "return new Deno.QuicEndpoint({ hostname: '127.0.0.1' }).addr", ABSENT],
];

const sockets: readonly Row[] = [
  ["the machine's own address", "return (await fetch(`http://${given.own}:${given.port}/`)).text()"],
  ["another instance's socket", "return (await Deno.connect({ transport: 'unix', path: given.other })).rid"],
  [
    "another instance's socket by node:net",
    "return outcome((await import('node:net')).connect(given.other), 'connect')",
  ],
  [
    "another instance's socket by node:http",
    "return outcome((await import('node:http')).get({ socketPath: given.other }), 'response')",
  ],
  [
    "another instance's socket by a proxy",
    "return (await fetch('http://nowhere.invalid/', { client: Deno.createHttpClient({ proxy: { transport: 'unix', path: given.other } }) })).text()",
  ],
  ["its own socket", "return (await Deno.connect({ transport: 'unix', path: given.self })).rid"],
];

const table = (what: string, rows: readonly Row[]): Attempt[] =>
  rows.map(([way, code, expect = NOT_CAPABLE, inPod = expect]) => {
    return { title: `does not ${what} ${way}`, code, expect, elsewhere: { pod: inPod } };
  });

/** What works, so that a sandbox in which nothing works is no success. */
const controls: Attempt[] = [
  {
    title: "may reach a public address",
    code: "return net('93.184.215.14:443')",
    expect: /^returned "granted"$/,
  },
  { title: "may reach a public name", code: "return net('example.com')", expect: /^returned "granted"$/ },
  {
    title: "may listen on a Unix socket in its scratch folder",
    code: "const l = Deno.listen({ transport: 'unix', path: given.scratch + '/s' }); l.close(); return 'listened'",
    expect: /^returned "listened"$/,
  },
];

export const netAttempts: readonly Attempt[] = [
  ...controls,
  ...asked,
  ...spelled,
  ...table("reach loopback by", clients),
  ...proxies,
  ...table("listen on", listens),
  ...table("reach", sockets),
];
