import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { call } from "../../../support/instances/call-instance.ts";
import { notTried } from "../../../support/not-tried.ts";
import { programDraft } from "../../../support/packed-program.ts";
import { publish } from "../../../support/platform/deploying.ts";
import { TemporaryLocalPlatform } from "../../../support/platform/temporary-local-platform.ts";
import { needsWall } from "../../../support/skiff/walls.ts";

const LIMITS = { processes: 64, scratchBytes: 64 * 1024 ** 2 };
/** A child in a session of its own takes 150 MiB. */
const HOG = `#!/bin/sh
setsid perl -e '$x = "a" x (150 * 1024 * 1024); sleep 60' &
wait $!
echo "ended with $?"
`;
const FORKS = "#!/bin/sh\nexec 2>&1\ni=0; while [ $i -lt 100 ]; do sleep 1 & i=$((i+1)); done\n";

for (const useGroups of [true, false]) {
  describe(`the limits of a program, ${useGroups ? "with" : "without"} control groups`, () => {
    let local: TemporaryLocalPlatform;
    before(async function () {
      needsWall(this, "bwrap");
      local = await TemporaryLocalPlatform.open({ useGroups, limits: LIMITS });
    });
    after(() => local?.close());

    it("count the memory of everything that it starts", async () => {
      await publish(local.platform, programDraft("hog", HOG, { settings: { memoryMiB: 128 } }));
      const { status, text } = await call(local.instance("hog").address);
      // Where the kernel counts as well, it may be faster, and ends the one process.
      if (useGroups && text === "ended with 137\n") return;
      const { code, setting } = JSON.parse(text);
      assert.deepEqual([status, code, setting], [500, "out_of_memory", "memoryMiB"], text);
      await local.logged("limit of 128 MiB (setting memoryMiB)");
    });

    it("count its processes", async () => {
      await publish(local.platform, programDraft("forks", FORKS));
      const { text } = await call(local.instance("forks").address);
      assert.match(text, /Cannot fork/);
      const again = await call(local.instance("forks").address, { headers: { "x-skiff-wait": "5000" } });
      assert.match(again.text, /Cannot fork/);
    });
  });
}

describe("the network of a program", () => {
  let local: TemporaryLocalPlatform;
  let server: Server;
  let port: number;
  before(async function () {
    needsWall(this, "bwrap");
    local = await TemporaryLocalPlatform.open({ walledNetwork: true });
    const network = await local.platform.describeNetwork();
    if (!network.startsWith("network namespaces")) notTried(this, network);
    server = createServer((_, response) => response.end("of the machine"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as { port: number }).port;
  });
  after(async () => {
    server?.close();
    await local?.close();
  });

  const script = () => `#!/bin/sh
exec perl -MIO::Socket -e '
  my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:${port}", Timeout => 3) or print("refused: $!"), exit;
  print $s "GET / HTTP/1.0\\r\\n\\r\\n"; my @all = <$s>; print $all[-1];'
`;
  const answerWith = async (name: string, net: readonly string[]) => {
    const draft = programDraft(name, script(), { settings: { permissions: { net, sys: [] } } });
    await publish(local.platform, draft);
    return (await call(local.instance(name).address)).text;
  };

  it("has what its rules open", async () => {
    assert.equal(await answerWith("opened", [`127.0.0.1:${port}`]), "of the machine");
  });

  it("has nothing else of the machine", async () => {
    assert.match(await answerWith("public", ["public"]), /^refused: Connection refused/);
    assert.match(await answerWith("none", []), /^refused: Connection refused/);
  });

  it("is described with what the kernel cannot express", async () => {
    const { isolation } = (await local.platform.describe("public"))!;
    assert.match(
      isolation!.network,
      /network namespaces with a filter.*host names in `net` open every public/,
    );
  });
});
