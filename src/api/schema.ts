import { createFileRegistry, type DescService, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { fileDescriptorSet } from '../gen/descriptors.ts';

/** The descriptors of proto/ and all it imports, comments included. */
export const descriptors = fromBinary(FileDescriptorSetSchema, fileDescriptorSet);

/** The types of `descriptors` by name. */
export const registry = createFileRegistry(descriptors);

/** The service `points.v1.PointsService`. */
export const service: DescService = required(registry.getService('points.v1.PointsService'));

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('src/gen/descriptors.ts is stale: run npm run generate');
  return value;
}
