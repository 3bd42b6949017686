import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFileRegistry, type DescService, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The descriptors of a service that stands in a .proto of its own, which may import what ours import. */
export function describeService(proto: string, name: string): { service: DescService; registry: FileRegistry } {
  const folder = mkdtempSync(join(tmpdir(), 'points-proto-'));
  try {
    mkdirSync(join(folder, 'proto'));
    cpSync(join(root, 'third_party'), join(folder, 'third_party'), { recursive: true });
    writeFileSync(join(folder, 'buf.yaml'), 'version: v2\nmodules:\n  - path: proto\n  - path: third_party\n');
    writeFileSync(join(folder, 'proto/other.proto'), proto);
    const buf = join(root, 'node_modules/@bufbuild/buf/bin/buf');
    const args = [buf, 'build', 'proto', '--as-file-descriptor-set', '-o', '-'];
    const image = execFileSync(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 26 });
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
    return { service: registry.getService(name)!, registry };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A service with every shape of route and parameter that ours do not have. */
export const LIBRARY_PROTO = `
syntax = "proto3";
package library.v1;
import "google/api/annotations.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";

// Keeps books.
service Library {
  // Gets a book by its name.
  rpc GetBook(GetBookRequest) returns (Book) {
    option (google.api.http) = {
      get: "/v1/{name=shelves/*/books/*}"
      additional_bindings: { get: "/v1/featured" }
    };
  }
  // Reads a file.
  rpc ReadFile(GetBookRequest) returns (Book) {
    option (google.api.http) = { get: "/v1/files/{name=**}" };
  }
  // Seals a file.
  rpc SealFile(GetBookRequest) returns (Book) {
    option (google.api.http) = { post: "/v1/files/{name=**}:seal" };
  }
  // Updates a book.
  rpc UpdateBook(UpdateBookRequest) returns (UpdateBookResponse) {
    option (google.api.http) = {
      patch: "/v1/books/{book.id}"
      body: "book"
      response_body: "book"
      additional_bindings: { put: "/v1/books/{book.id}/tags" body: "tags" response_body: "tags" }
    };
  }
  // Deletes a book.
  rpc DeleteBook(SearchRequest) returns (Empty) {
    option (google.api.http) = { delete: "/v1/books/{text}" };
  }
  // Searches.
  rpc Search(SearchRequest) returns (SearchResponse) {
    option (google.api.http) = {
      get: "/v1/search"
      additional_bindings: { post: "/v1/search" body: "*" }
      additional_bindings: { custom: { kind: "QUERY" path: "/v1/search" } body: "*" }
      additional_bindings: { get: "/v1/*/search" }
    };
  }
  // Has no route.
  rpc Hidden(SearchRequest) returns (SearchResponse);
}

// Nothing.
message Empty {}
// Names a book.
message GetBookRequest {
  // Its name.
  string name = 1;
}
// A book.
message Book {
  // Its id.
  int64 id = 1;
  // Its title.
  string title = 2;
  // What it is like.
  Genre genre = 3;
  // A book about it.
  Book about = 4;
}
// What a book is like.
enum Genre {
  // Unknown.
  GENRE_UNSPECIFIED = 0;
  // A novel.
  GENRE_NOVEL = 1;
}
// Changes a book.
message UpdateBookRequest {
  // The book.
  Book book = 1;
  // Its tags.
  repeated string tags = 2;
  // What to change.
  google.protobuf.FieldMask mask = 3;
}
// A changed book.
message UpdateBookResponse {
  // The book.
  Book book = 1;
  // Its tags.
  repeated string tags = 2;
}
// What is searched for.
message SearchRequest {
  // A text.
  string text = 1;
  // A filter.
  message Filter {
    // Only these genres.
    repeated Genre genres = 1;
    // Only from then on.
    google.protobuf.Timestamp from = 2;
    // A filter on top.
    Filter and = 3;
    // Is it lent?
    optional bool lent = 4;
  }
  // The filter.
  Filter filter = 2;
  // A number.
  uint32 count = 3;
  // A weight.
  double weight = 4;
  // Bytes.
  bytes hash = 5;
  // Patience.
  google.protobuf.Duration patience = 6;
  // Numbers.
  repeated int64 numbers = 7;
  // Not in a query.
  map<string, int32> counts = 8;
  // Not in a query.
  repeated Filter filters = 9;
  // One of two.
  oneof choice {
    // Left.
    string left = 10;
    // Right.
    int32 right = 11;
  }
  // Maybe a number.
  google.protobuf.Int32Value maybe = 12;
  // Anything.
  google.protobuf.Value anything = 13;
  // A big number.
  uint64 big = 14;
}
// What was found.
message SearchResponse {
  // The books.
  repeated Book books = 1;
  // How many by genre.
  map<int32, Book> by_number = 2;
  // Patience.
  google.protobuf.Duration patience = 3;
  // Bytes.
  bytes hash = 4;
  // A weight.
  double weight = 5;
  // Is it all?
  bool complete = 6;
}
`;
