import { expect } from 'chai';
import { until } from '../support/until.ts';
import { type DataFolder, haveServer, makeDataFolder, query } from './data-folder.ts';

describe('embedded database: several processes, one folder', () => {
  let folder: DataFolder;
  before(haveServer);
  beforeEach(() => {
    folder = makeDataFolder();
  });
  afterEach(() => folder.cleanUp());

  it('four that start at the same instant on a new folder: one server, one URL', async () => {
    const children = [1, 2, 3, 4].map(() => folder.openInChild());
    const urls = await Promise.all(children.map((child) => child.up));
    expect(new Set(urls).size).to.equal(1);
    expect(folder.servers()).to.have.length(1);
  });

  it('a guest leaves the server to its owner', async () => {
    const owner = folder.openInChild();
    await owner.up;
    const [server] = folder.servers();
    const guest = await folder.open();
    await guest.stop();
    expect(folder.servers()).to.deep.equal([server]);
    owner.process.kill('SIGTERM');
    await owner.ended;
    expect(folder.servers()).to.deep.equal([]);
  });

  it('a guest becomes the owner when the owner is killed', async () => {
    const owner = folder.openInChild();
    const url = await owner.up;
    await query(url, 'CREATE TABLE kept (id INT PRIMARY KEY)');
    const guest = await folder.open();
    owner.process.kill('SIGKILL');
    await owner.ended;

    await until(() => folder.log.some((line) => line.includes('taking it over')));
    await until(() =>
      query(guest.url, 'SELECT id FROM kept').then(
        () => folder.servers().length === 1,
        () => false,
      ),
    );
    await guest.stop();
    expect(folder.servers()).to.deep.equal([]);
  });

  it('a guest becomes the owner when the owner stops', async () => {
    const owner = await folder.open();
    const guest = await folder.open();
    await owner.stop();
    await until(() =>
      query(guest.url, 'SELECT 1').then(
        () => true,
        () => false,
      ),
    );
    expect(folder.servers()).to.have.length(1);
  });

  it('two openings in one process: the first stop does not leave the second without a database for long', async () => {
    const [first, second] = await Promise.all([folder.open(), folder.open()]);
    expect(first.url).to.equal(second.url);
    expect(folder.servers()).to.have.length(1);
    await Promise.all([first.stop(), second.stop()]);
    expect(folder.servers()).to.deep.equal([]);
  });
});
