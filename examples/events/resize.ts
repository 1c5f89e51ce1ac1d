/**
 * Makes a grey picture (binary PGM) as narrow as `width` says. `busy=2` answers the first two attempts with 503, as a
 * service that has too much to do would; Skiff tries again.
 */
export default async function resize(request: Request): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const attempt = Number(request.headers.get("skiff-attempt") ?? 1);
  if (attempt <= Number(query.get("busy"))) {
    return new Response("too much to do", { status: 503 });
  }
  const picture = parsePgm(new Uint8Array(await request.arrayBuffer()));
  // An answer with 400 is final: the same request would fail again.
  if (picture === undefined) return new Response("This is no binary PGM picture.", { status: 400 });
  const width = Math.max(1, Math.min(Number(query.get("width")) || 100, picture.width));
  const height = Math.max(1, Math.round((picture.height * width) / picture.width));
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * picture.height) / height) * picture.width;
    for (let x = 0; x < width; x++) {
      pixels[y * width + x] = picture.pixels[row + Math.floor((x * picture.width) / width)]!;
    }
  }
  const head = new TextEncoder().encode(`P5\n${width} ${height}\n255\n`);
  return new Response(new Blob([head, pixels]), { headers: { "content-type": "image/x-portable-graymap" } });
}

function parsePgm(bytes: Uint8Array): { width: number; height: number; pixels: Uint8Array } | undefined {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 100));
  const match = /^P5\s+(\d+)\s+(\d+)\s+255\s/.exec(head);
  if (match === null) return undefined;
  const [width, height] = [Number(match[1]), Number(match[2])];
  const pixels = bytes.subarray(match[0].length);
  return pixels.length >= width * height && width > 0 && height > 0 ? { width, height, pixels } : undefined;
}
