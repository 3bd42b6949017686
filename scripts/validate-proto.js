// Prints buf/validate/validate.proto from the descriptor that @bufbuild/protovalidate carries (the package ships no
// .proto), so that the protos build without a schema registry. Comments and options are left out.
import { ScalarType } from '@bufbuild/protobuf';
import { file_buf_validate_validate as file } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

function typeOf(field) {
  const kind = field.fieldKind === 'list' ? field.listKind : field.fieldKind;
  if (kind === 'message') return `.${field.message.typeName}`;
  if (kind === 'enum') return `.${field.enum.typeName}`;
  return ScalarType[field.scalar].toLowerCase();
}

function printField(field, indent) {
  const label = field.oneof ? '' : field.fieldKind === 'list' ? 'repeated ' : 'optional ';
  return `${indent}${label}${typeOf(field)} ${field.name} = ${field.number};\n`;
}

function printMessage(message) {
  const inOneofs = message.oneofs.map(
    (oneof) => `  oneof ${oneof.name} {\n${oneof.fields.map((field) => printField(field, '    ')).join('')}  }\n`,
  );
  const plain = message.fields.filter((field) => !field.oneof).map((field) => printField(field, '  '));
  const ranges = message.proto.extensionRange.map((range) => `  extensions ${range.start} to ${range.end - 1};\n`);
  return `message ${message.name} {\n${plain.join('')}${inOneofs.join('')}${ranges.join('').replace('536870911', 'max')}}\n`;
}

function printEnum(type) {
  const alias = new Set(type.values.map((value) => value.number)).size < type.values.length;
  const values = type.values.map((value) => `  ${value.name} = ${value.number};\n`).join('');
  return `enum ${type.name} {\n${alias ? '  option allow_alias = true;\n' : ''}${values}}\n`;
}

/** @returns {string} the source of buf/validate/validate.proto */
export function printValidateProto() {
  const imports = file.dependencies.map((dependency) => `import "${dependency.name}.proto";\n`).join('');
  const extensions = file.extensions.map(
    (extension) => `extend .${extension.extendee.typeName} {\n${printField(extension, '  ')}}\n`,
  );
  return [
    `// Printed by scripts/validate-proto.js from @bufbuild/protovalidate (Apache-2.0). Do not edit.\nsyntax = "proto2";\n\npackage ${file.proto.package};\n`,
    imports,
    'option go_package = "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate";\noption java_multiple_files = true;\noption java_package = "build.buf.validate";\n',
    ...file.enums.map(printEnum),
    ...extensions,
    ...file.messages.map(printMessage),
  ].join('\n');
}
