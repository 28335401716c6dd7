# SPDX-License-Identifier: Apache-2.0
"""validate.py SCHEMA: holds what stands on the standard input to the JSON schema.

With --lines each line is a document. Prints what is wrong; the status is the number of
documents that are, 77 where the module jsonschema is missing.
"""
import json
import sys

try:
    from jsonschema import Draft7Validator
except ImportError:
    print("the Python module jsonschema is missing")
    sys.exit(77)


def main():
    arguments = [word for word in sys.argv[1:] if word != "--lines"]
    with open(arguments[0], encoding="utf-8") as file:
        schema = json.load(file)
    Draft7Validator.check_schema(schema)
    text = sys.stdin.read()
    documents = text.splitlines() if "--lines" in sys.argv else [text]
    wrong = 0
    for document in documents:
        try:
            value = json.loads(document)
        except json.JSONDecodeError as error:
            print(f"no JSON: {error}: {document[:200]!r}")
            wrong += 1
            continue
        errors = list(Draft7Validator(schema).iter_errors(value))
        for error in errors:
            where = "/".join(str(part) for part in error.absolute_path)
            print(f"{where}: {error.message[:200]}")
        wrong += bool(errors)
    if not documents:
        print("nothing to hold to the schema")
        wrong = 1
    sys.exit(min(wrong, 76))


main()
