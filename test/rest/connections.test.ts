import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { answerClientError } from '../../src/rest/client-error.ts';
import { post, type Served, serveGateway } from './serve.ts';

describe('rest: connections', () => {
  let served: Served;
  before(async () => {
    served = await serveGateway(
      {
        ListLots: () => new Promise(() => {}),
      },
      { maxBodyBytes: 1000 },
    );
  });
  after(() => served.close());
  beforeEach(() => served.calls.splice(0));

  const head = (path: string, ...headers: string[]) =>
    [`POST ${path} HTTP/1.1`, 'host: x', 'content-type: application/json', ...headers, '', ''].join('\r\n');
  const good = '{"points":5}';
  const whole = (path: string, body: string) => head(path, `content-length: ${body.length}`) + body;

  it('a body past the limit by its content-length: 413 at once, before it is sent', async () => {
    const socket = connect(served.port, '127.0.0.1');
    socket.write(head('/spend', 'content-length: 1001'));
    const text = await readUntil(socket, '}]}');
    expect(text).to.match(/^HTTP\/1.1 413 /);
    expect(text).to.match(/connection: close/i);
    expect(text).to.contain('"reason":"REQUEST_TOO_LARGE"').and.to.contain('"limit":"1000"').and.to.contain('"body"');
    socket.destroy();
  });

  it('a chunked body past the limit: 413 as soon as it is', async () => {
    const socket = connect(served.port, '127.0.0.1');
    socket.write(head('/spend', 'transfer-encoding: chunked'));
    const chunk = `${(600).toString(16)}\r\n${' '.repeat(600)}\r\n`;
    socket.write(chunk);
    await sleep(20);
    socket.write(chunk);
    expect(await readUntil(socket, '}]}')).to.match(/^HTTP\/1.1 413 /);
    socket.destroy();
  });

  it('a client that first sends all of a large body still gets to see the 413', async () => {
    for (const body of [' '.repeat(5_000_000), new Blob([' '.repeat(5_000_000)]).stream()]) {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${served.url}/spend`, {
        method: 'POST',
        headers,
        body,
        duplex: 'half',
      } as RequestInit);
      expect(response.status).to.equal(413);
      expect(await response.text()).to.contain('REQUEST_TOO_LARGE');
    }
  });

  it('a body of exactly the limit is taken', async () => {
    expect((await post(`${served.url}/v1/accounts/a:spend`, good.padEnd(1000))).status).to.equal(200);
    expect((await post(`${served.url}/v1/accounts/a:spend`, good.padEnd(1001))).status).to.equal(413);
  });

  it('a connection stays usable after errors, also with bodies that nobody read', async () => {
    const socket = connect(served.port, '127.0.0.1');
    const bad: [string, string, number][] = [
      ['/spend', '{', 400],
      ['/nothing', '{"points":5}', 404],
      ['/balance', '{"points":5}', 405],
      ['/spend', '{"points":"x"}', 400],
      ['/v1/accounts/%zz:spend', '{}', 400],
    ];
    for (const [path, body, http] of bad) {
      socket.write(whole(path, body));
      expect(await readUntil(socket, '}]}')).to.match(new RegExp(`^HTTP/1.1 ${http} `));
    }
    socket.write(`POST /spend HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nPOST`);
    expect(await readUntil(socket, '}]}')).to.match(/^HTTP\/1.1 415 /);
    socket.write(whole('/v1/accounts/a:spend', good));
    expect(await readUntil(socket, '}')).to.match(/^HTTP\/1.1 200 /);
    socket.destroy();
  });

  it('pipelined requests are answered in order, the wrong ones among them', async () => {
    const socket = connect(served.port, '127.0.0.1');
    const first = '/v1/accounts/a:spend';
    socket.write(whole(first, good) + whole(first, '{') + whole(first, good) + head('/balance', 'content-length: 0'));
    const text = await readUntil(socket, '405 Method Not Allowed');
    expect(text.match(/HTTP\/1.1 \d+/g)).to.deep.equal([
      'HTTP/1.1 200',
      'HTTP/1.1 400',
      'HTTP/1.1 200',
      'HTTP/1.1 405',
    ]);
    socket.destroy();
  });

  it('a length and chunks at once, the way requests are smuggled, end the connection', async () => {
    const socket = connect(served.port, '127.0.0.1');
    socket.write(
      `${head('/spend', 'content-length: 4', 'transfer-encoding: chunked')}0\r\n\r\nGET /balance HTTP/1.1\r\n\r\n`,
    );
    expect(await readUntil(socket, undefined)).to.match(/^HTTP\/1.1 400 /);
    expect(served.calls).to.deep.equal([]);
  });

  it('a call is told when its client has left before the answer', async () => {
    const socket = connect(served.port, '127.0.0.1');
    socket.write('GET /v1/accounts/a/lots HTTP/1.1\r\nhost: x\r\n\r\n');
    while (served.calls.length === 0) await sleep(5);
    const { isGone } = served.calls[0]!.context;
    expect(isGone()).to.equal(false);
    socket.destroy();
    while (!isGone()) await sleep(5);
  });

  it('a client that leaves in the middle of its body is forgotten', async () => {
    const socket = connect(served.port, '127.0.0.1');
    socket.write(`${head('/spend', 'content-length: 100')}{`);
    await sleep(20);
    socket.destroy();
    await sleep(20);
    expect((await post(`${served.url}/v1/accounts/a:spend`, good)).status).to.equal(200);
    expect(served.calls.map(({ method }) => method)).to.deep.equal(['SpendPoints']);
  });

  it('the token and the deadline reach the api', async () => {
    const headers = { authorization: 'Bearer abc', 'grpc-timeout': '5S' };
    const before = Date.now();
    await post(`${served.url}/v1/accounts/a:spend`, good, headers);
    await post(`${served.url}/v1/accounts/a:spend`, good);
    const [named, unnamed] = served.calls.map(({ context }) => context);
    expect(named?.authorization).to.equal('Bearer abc');
    expect(named?.deadline).to.be.within(before + 5000, Date.now() + 5000);
    expect(unnamed).to.include({ authorization: undefined, deadline: Number.POSITIVE_INFINITY });
    for (const timeout of ['5', 'S', '5s', '-5S', '123456789S', '1.5S', '']) {
      const response = await post(`${served.url}/v1/accounts/a:spend`, good, { 'grpc-timeout': timeout });
      expect(response.status, timeout).to.equal(400);
      expect(await response.text()).to.contain('"grpc-timeout"');
    }
  });

  it('what is not HTTP is answered as google.rpc.Status too', async () => {
    const server = createServer().on('clientError', answerClientError);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      for (const [bytes, status] of [
        ['nonsense\r\n\r\n', 400],
        [`GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
      ] as const) {
        const socket = connect(port, '127.0.0.1');
        socket.write(bytes);
        const text = await readUntil(socket, undefined);
        expect(text).to.match(new RegExp(`^HTTP/1.1 ${status} `));
        expect(text).to.contain('"reason":"INVALID_REQUEST"');
      }
    } finally {
      server.close();
    }
  });
});

/** Reads from a socket until a text has come, or to its end. */
function readUntil(socket: Socket, text: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    let read = '';
    const settle = () => {
      socket.off('data', take).off('end', settle).off('error', reject);
      resolve(read);
    };
    const take = (chunk: Buffer) => {
      read += chunk;
      if (text !== undefined && read.includes(text)) settle();
    };
    socket.on('data', take).on('end', settle).on('error', reject);
  });
}
