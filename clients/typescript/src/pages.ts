/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** For `pageToken`, to go on later; empty where this is the last page. */
  readonly nextPageToken: string;
}

/** A list, read page by page as it is iterated. Each iteration begins anew. */
export interface PagedList<T> extends AsyncIterable<T> {
  /** The same list as pages: to show one at a time, or to remember where to go on. */
  byPage(): AsyncIterable<Page<T>>;
}

/** A list whose pages `read` reads, beginning with that of `firstPageToken`. */
export function pagedList<T>(read: (pageToken: string) => Promise<Page<T>>, firstPageToken = ''): PagedList<T> {
  async function* byPage(): AsyncGenerator<Page<T>> {
    let pageToken = firstPageToken;
    do {
      const page = await read(pageToken);
      yield page;
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
  }

  return {
    byPage,
    async *[Symbol.asyncIterator]() {
      for await (const page of byPage()) yield* page.items;
    },
  };
}
