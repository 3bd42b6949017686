import { toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { ReflectionService } from '@grpc/reflection';
import { descriptors, service } from '../api/schema.ts';

/** What of the library's state is set right below. */
interface Implementation {
  readonly files: Readonly<Record<string, object>>;
  readonly fileEncodings: Map<object, Uint8Array>;
}

/**
 * Server reflection, v1 and v1alpha, with the descriptors that `buf build` made. The library decodes and encodes what it
 * is given, and loses every option it does not know, google.api.http among them: each file gets its own bytes back.
 */
export function createReflection(): ReflectionService {
  const encoded = new Map(descriptors.file.map((file) => [file.name, toBinary(FileDescriptorProtoSchema, file)]));
  const fileDescriptorProtos = [...encoded.values()].map((bytes) => Buffer.from(bytes));
  const definition = { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos };
  const reflection = new ReflectionService({ [service.typeName]: definition } as never);
  const { v1, v1Alpha } = reflection as unknown as { v1: Implementation; v1Alpha: Implementation };
  for (const { files, fileEncodings } of [v1, v1Alpha]) {
    for (const [name, file] of Object.entries(files)) fileEncodings.set(file, encoded.get(name) ?? new Uint8Array());
  }
  return reflection;
}
