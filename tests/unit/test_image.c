/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "image/image.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_is(const char *operand, enum image_kind kind, const char *description)
{
	enum image_kind found = IMAGE_UNKNOWN;
	struct error err;

	assert_int_equal(image_recognize(operand, &found, &err), 0);
	assert_int_equal(found, kind);
	assert_string_equal(image_describe(operand), description);
}

static void words_and_schemes_need_no_file(void **state)
{
	(void)state;
	assert_is("host", IMAGE_HOST, "the host's own root");
	assert_is("/", IMAGE_HOST, "the host's own root");
	assert_is("-", IMAGE_ARCHIVE, "an archive on standard input");
	assert_is("oci:/nowhere:tag", IMAGE_LAYOUT, "an OCI image layout");
	assert_is("oci-archive:/nowhere", IMAGE_ARCHIVE, "an archive of an OCI image");
	assert_is("docker-archive:x", IMAGE_ARCHIVE, "an archive of a docker image");
	assert_is("docker://debian", IMAGE_REGISTRY, "an image in a registry");
	assert_is("https://example.org/a.aci", IMAGE_REGISTRY, "an image in a registry");
}

static void directories_are_served_through_links(void **state)
{
	const struct temporary *temporary = *state;
	char link[300];

	assert_is(temporary->path, IMAGE_DIRECTORY, "a directory");
	snprintf(link, sizeof(link), "%s/link", temporary->path);
	assert_int_equal(symlink(".", link), 0);
	assert_is(link, IMAGE_DIRECTORY, "a directory");
	assert_is("//", IMAGE_DIRECTORY, "a directory");
}

static void archives_are_known_by_their_first_bytes(void **state)
{
	static const struct {
		const char *description;
		size_t length;
		const char *bytes;
	} heads[] = {
		{ "a gzip file", 4, "\x1f\x8b\x08\x00" },
		{ "an xz file", 6,
		  "\xfd"
		  "7zXZ\0" },
		{ "a zstd file", 4, "\x28\xb5\x2f\xfd" },
		{ "a bzip2 file", 4, "BZh9" },
		{ "an lz4 file", 4, "\x04\x22\x4d\x18" },
		{ "an lzip file", 5, "LZIP\x01" },
		{ "a compress file", 3, "\x1f\x9d\x90" },
		{ "a squashfs image", 8, "hsqs\x01\x02\x03\x04" },
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		assert_is(temporary_file(*state, "head", heads[i].bytes, heads[i].length),
			  heads[i].bytes[0] == 'h' ? IMAGE_FILESYSTEM : IMAGE_ARCHIVE,
			  heads[i].description);
}

static void marks_further_on_are_found(void **state)
{
	char bytes[2048] = "";

	memcpy(bytes + 257, "ustar\00000", 8);
	assert_is(temporary_file(*state, "tar", bytes, 512), IMAGE_ARCHIVE,
		  "a tar archive");
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes + 1024, "\xe2\xe1\xf5\xe0", 4);
	assert_is(temporary_file(*state, "erofs", bytes, sizeof(bytes)), IMAGE_FILESYSTEM,
		  "an erofs image");
	assert_is(temporary_file(*state, "short", bytes, 1027), IMAGE_UNKNOWN,
		  "a file of another kind");
}

static void a_tar_without_a_mark_is_known_by_its_checksum(void **state)
{
	char bytes[512] = "";
	unsigned int sum = 0;

	strcpy(bytes, "etc/passwd");
	strcpy(bytes + 100, "0000644");
	memset(bytes + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(bytes); i++)
		sum += (unsigned char)bytes[i];
	snprintf(bytes + 148, 8, "%06o", sum);
	bytes[155] = ' ';
	assert_is(temporary_file(*state, "old", bytes, sizeof(bytes)), IMAGE_ARCHIVE,
		  "a tar archive");
	bytes[0] = 'f';
	assert_is(temporary_file(*state, "old", bytes, sizeof(bytes)), IMAGE_UNKNOWN,
		  "a file of another kind");
}

static void other_files_are_unknown(void **state)
{
	static const char zeros[1024];

	assert_is(temporary_file(*state, "empty", "", 0), IMAGE_UNKNOWN,
		  "a file of another kind");
	assert_is(temporary_file(*state, "text", "hello\n", 6), IMAGE_UNKNOWN,
		  "a file of another kind");
	assert_is(temporary_file(*state, "zeros", zeros, sizeof(zeros)), IMAGE_UNKNOWN,
		  "a file of another kind");
	assert_is("/dev/zero", IMAGE_UNKNOWN, "a file of another kind");
}

static void looking_takes_nothing_from_a_pipe_and_does_not_wait(void **state)
{
	const struct temporary *temporary = *state;
	char path[300];

	snprintf(path, sizeof(path), "%s/fifo", temporary->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_is(path, IMAGE_ARCHIVE, "an archive in a pipe");
}

static void assert_refused(const char *path, const char *bytes, size_t length,
			   const char *text, const char *hint)
{
	FILE *file = fopen(path, "we");
	struct error err;

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(image_refuse(path, &err), -1);
	assert_non_null(strstr(err.text, text));
	assert_non_null(strstr(err.hint, hint));
}

static void what_is_no_root_is_told_by_name_and_with_what_helps(void **state)
{
	const struct temporary *temporary = *state;
	static const char iso[32774] = { [32769] = 'C', 'D', '0', '0', '1' };
	char path[300], hint[320];
	struct error err;

	snprintf(path, sizeof(path), "%s/file", temporary->path);
	assert_refused(path, "", 0, "it is empty", "download");
	snprintf(hint, sizeof(hint), "unzip -d DIR %s &&", path);
	assert_refused(path, "PK\3\4..", 6, "a zip archive", hint);
	assert_refused(path, "QFI\xfb", 4, "qcow2", "virt-tar-out");
	assert_refused(path, iso, sizeof(iso), "an ISO 9660 image", "mount it");
	assert_refused(path, "words", 5, "neither a directory nor an archive", "");
	assert_int_equal(image_refuse("https://example.org/a.tar", &err), -1);
	assert_string_equal(err.hint, "curl -fLO https://example.org/a.tar && sbx run -R "
				      "a.tar");
}

static void what_is_not_there_is_an_error(void **state)
{
	enum image_kind kind = IMAGE_REGISTRY;
	struct error err;

	(void)state;
	assert_int_equal(image_recognize("/nowhere/at/all", &kind, &err), -1);
	assert_int_equal(err.id, ERROR_SOURCE_MISSING);
	assert_int_equal(err.errnum, ENOENT);
	assert_string_equal(err.text, "use /nowhere/at/all as the root");
	assert_int_equal(kind, IMAGE_REGISTRY);
	assert_string_equal(image_describe("/nowhere/at/all"), "missing");
	assert_int_equal(image_recognize("", &kind, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_schemes_need_no_file),
		cmocka_unit_test(directories_are_served_through_links),
		cmocka_unit_test(archives_are_known_by_their_first_bytes),
		cmocka_unit_test(marks_further_on_are_found),
		cmocka_unit_test(a_tar_without_a_mark_is_known_by_its_checksum),
		cmocka_unit_test(other_files_are_unknown),
		cmocka_unit_test(looking_takes_nothing_from_a_pipe_and_does_not_wait),
		cmocka_unit_test(what_is_no_root_is_told_by_name_and_with_what_helps),
		cmocka_unit_test(what_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
