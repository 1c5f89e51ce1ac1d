import { strict as assert } from "node:assert";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { ClientLeft, clientSignal } from "../../http/client-signal.ts";

describe("manager: the signal of a client", () => {
  let client: Socket;
  let response: ServerResponse;
  let close: () => void;
  beforeEach(async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    client = connect((server.address() as AddressInfo).port, "127.0.0.1");
    client.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    [, response] = await once(server, "request");
    close = () => server.close();
  });
  afterEach(() => {
    client.destroy();
    close();
  });

  it("is aborted when the client leaves before it was answered", async () => {
    const signal = clientSignal(response);
    assert.equal(signal.aborted, false);
    client.destroy();
    await once(signal, "abort");
    assert.ok(signal.reason instanceof ClientLeft);
  });

  it("is aborted from the beginning when the client has left already", async () => {
    client.destroy();
    await once(response, "close");
    assert.ok(clientSignal(response).aborted);
  });

  it("is not aborted when the client was answered", async () => {
    const signal = clientSignal(response);
    const closed = once(response, "close");
    response.end("whole");
    await closed;
    assert.equal(signal.aborted, false);
  });
});
