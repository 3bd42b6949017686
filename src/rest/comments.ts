import type {
  DescEnum,
  DescEnumValue,
  DescField,
  DescFile,
  DescMessage,
  DescMethod,
  DescService,
} from '@bufbuild/protobuf';

type Described = DescEnum | DescEnumValue | DescField | DescMessage | DescMethod | DescService;

/** The comment before an element of the protos, as its text; empty where it has none. */
export function commentOf(element: Described): string {
  return commentsOf(fileOf(element)).get(pathOf(element).join()) ?? '';
}

const commentsByFile = new WeakMap<DescFile, ReadonlyMap<string, string>>();

/** The comments of a file by the path of their element, as google.protobuf.SourceCodeInfo numbers it. */
function commentsOf(file: DescFile): ReadonlyMap<string, string> {
  let comments = commentsByFile.get(file);
  if (comments === undefined) {
    const locations = file.proto.sourceCodeInfo?.location ?? [];
    comments = new Map(locations.map(({ path, leadingComments }) => [path.join(), plainText(leadingComments)]));
    commentsByFile.set(file, comments);
  }
  return comments;
}

function plainText(comment: string): string {
  return comment.replace(/^ /gm, '').trim();
}

function fileOf(element: Described): DescFile {
  if ('file' in element) return element.file;
  return fileOf(element.parent!);
}

/** Numbers of fields in google.protobuf.FileDescriptorProto and the descriptors inside it. */
const FILE = { message: 4, enum: 5, service: 6 } as const;
const MESSAGE = { field: 2, nested: 3, enum: 4 } as const;
const METHOD_OF_SERVICE = 2;
const VALUE_OF_ENUM = 2;

function pathOf(element: Described): number[] {
  switch (element.kind) {
    case 'message': {
      const { parent, file, proto } = element;
      if (parent) return [...pathOf(parent), MESSAGE.nested, parent.proto.nestedType.indexOf(proto)];
      return [FILE.message, file.proto.messageType.indexOf(proto)];
    }
    case 'enum': {
      const { parent, file, proto } = element;
      if (parent) return [...pathOf(parent), MESSAGE.enum, parent.proto.enumType.indexOf(proto)];
      return [FILE.enum, file.proto.enumType.indexOf(proto)];
    }
    case 'field':
      return [...pathOf(element.parent), MESSAGE.field, element.parent.proto.field.indexOf(element.proto)];
    case 'service':
      return [FILE.service, element.file.proto.service.indexOf(element.proto)];
    case 'rpc':
      return [...pathOf(element.parent), METHOD_OF_SERVICE, element.parent.proto.method.indexOf(element.proto)];
    case 'enum_value':
      return [...pathOf(element.parent), VALUE_OF_ENUM, element.parent.proto.value.indexOf(element.proto)];
  }
}
