/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/extracting.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "tests/unit/nursery.h"
#include "tests/unit/temporary.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCK = 512, NAME_SIZE = 100 };

/* ---- making an archive ------------------------------------------------------------------- */

/* A tar that is written front to back. */
struct tape {
	char *bytes;
	size_t size, room;
};

static void put(struct tape *tape, const void *bytes, size_t size)
{
	while (tape->size + size > tape->room) {
		tape->room = tape->room ? tape->room * 2 : (size_t)64 << 10;
		tape->bytes = realloc(tape->bytes, tape->room);
	}
	if (!tape->bytes)
		abort();
	if (bytes)
		memcpy(tape->bytes + tape->size, bytes, size);
	else
		memset(tape->bytes + tape->size, 0, size);
	tape->size += size;
}

static void put_padding(struct tape *tape)
{
	put(tape, NULL, (BLOCK - tape->size % BLOCK) % BLOCK);
}

/* Digits up to a NUL at the end of the field; what is beyond them is cut (tar(5)). */
static void put_octal(char *field, size_t size, unsigned long long number)
{
	field[size - 1] = '\0';
	for (size_t i = size - 1; i-- > 0; number /= 8)
		field[i] = (char)('0' + number % 8);
}

static void put_header(struct tape *tape, const struct member *member, char type,
		       uint64_t size)
{
	const bool is_link = type == '1' || type == '2';
	char block[BLOCK + 1] = "";
	unsigned int sum = 0;

	snprintf(block, NAME_SIZE, "%s", member->name);
	put_octal(block + 100, 8, member->mode ? member->mode : 0644);
	put_octal(block + 108, 8, member->uid);
	put_octal(block + 116, 8, member->gid);
	put_octal(block + 124, 13, size);
	put_octal(block + 136, 12, member->mtime);
	memset(block + 148, ' ', 8);
	block[156] = type;
	if (is_link && member->data)
		snprintf(block + 157, NAME_SIZE, "%s", member->data);
	memcpy(block + 257, "ustar\00000", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)block[i];
	snprintf(block + 148, 8, "%06o", sum);
	put(tape, block, BLOCK);
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself (pax(1)). */
static void put_record(struct tape *tape, const char *key, const char *value, size_t size)
{
	const size_t own = strlen(key) + size + 3;
	size_t length = own + 1;
	char text[512];

	while ((size_t)snprintf(text, sizeof(text), "%zu", length) + own != length)
		length++;
	snprintf(text, sizeof(text), "%zu %s=", length, key);
	put(tape, text, strlen(text));
	put(tape, value, size);
	put(tape, "\n", 1);
}

static void put_pax(struct tape *tape, const struct member *member)
{
	static const struct member header = { .name = "pax" };
	struct tape records = { 0 };

	if (strlen(member->name) >= NAME_SIZE)
		put_record(&records, "path", member->name, strlen(member->name));
	if ((member->type == '1' || member->type == '2') && member->data &&
	    strlen(member->data) >= NAME_SIZE)
		put_record(&records, "linkpath", member->data, strlen(member->data));
	for (size_t i = 0; i < 4 && member->pax[i].key; i++) {
		const struct pax *pax = &member->pax[i];

		put_record(&records, pax->key, pax->value,
			   pax->size ? pax->size : strlen(pax->value));
	}
	if (records.size > 0) {
		put_header(tape, &header, 'x', records.size);
		put(tape, records.bytes, records.size);
		put_padding(tape);
	}
	free(records.bytes);
}

/* The rest is zeros. */
static void put_content(struct tape *tape, const char *data, size_t size)
{
	size_t length = data ? strlen(data) : 0;

	if (length > size)
		length = size;
	put(tape, data, length);
	put(tape, NULL, size - length);
}

static void put_member(struct tape *tape, const struct member *member)
{
	const char type = (char)(member->type ? member->type : '0');
	const bool is_link = type == '1' || type == '2';
	size_t size = is_link || !member->data ? 0 : strlen(member->data);

	if (member->size && !member->lies)
		size = (size_t)member->size;
	if (member->repeat)
		size = (size_t)member->repeat;
	put_pax(tape, member);
	put_header(tape, member, type, member->lies ? member->size : size);
	put_content(tape, member->repeat ? "" : member->data, size);
	put_padding(tape);
}

static struct tape tape_of(const struct member *members)
{
	struct tape tape = { 0 };
	bool lies = false;

	for (; members->name; members++) {
		put_member(&tape, members);
		lies = lies || members->lies;
	}
	if (!lies)
		put(&tape, NULL, 2 * (size_t)BLOCK);
	return tape;
}

/* The tape is the compressed one from here on. */
static void compress_tape(struct tape *tape)
{
	struct tape small = { .bytes = malloc(tape->size), .size = 0 };
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	archive_write_add_filter_zstd(archive);
	archive_write_set_format_raw(archive);
	archive_write_set_bytes_in_last_block(archive, 1);
	expect(archive_write_open_memory(archive, small.bytes, tape->size, &small.size) ==
		       ARCHIVE_OK,
	       "cannot compress: %s", archive_error_string(archive));
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_write_header(archive, entry);
	expect(archive_write_data(archive, tape->bytes, tape->size) ==
		       (la_ssize_t)tape->size,
	       "cannot compress: %s", archive_error_string(archive));
	archive_entry_free(entry);
	archive_write_free(archive);
	free(tape->bytes);
	*tape = small;
}

/* ---- extracting it ----------------------------------------------------------------------- */

static int extract_layer(struct extractor *extractor, const struct member *members,
			 bool compressed, struct error *err)
{
	struct tape tape = tape_of(members);
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	int failed = 0;
	int got;

	if (compressed)
		compress_tape(&tape);
	archive_read_support_format_tar(archive);
	archive_read_support_filter_zstd(archive);
	expect(archive_read_open_memory(archive, tape.bytes, tape.size) == ARCHIVE_OK,
	       "cannot open what was packed");
	extractor_begin_layer(extractor);
	do {
		got = archive_read_next_header(archive, &entry);
		expect(got == ARCHIVE_OK || got == ARCHIVE_WARN || got == ARCHIVE_EOF,
		       "cannot read what was packed: %s", archive_error_string(archive));
		if (got != ARCHIVE_EOF)
			failed = extractor_add(extractor, archive, entry, err);
	} while (failed == 0 && got != ARCHIVE_EOF);
	archive_read_free(archive);
	free(tape.bytes);
	return failed < 0 ? -1 : extractor_finish_layer(extractor, err);
}

static int extract_layers(const struct scene *scene, size_t first, size_t last,
			  struct extracted *ret_counts, struct error *err)
{
	struct extractor *extractor = extractor_new(&scene->options, err);
	int failed = 0;

	expect(extractor != NULL, "%s", err->text);
	for (size_t i = first; i <= last && scene->layers[i] && failed == 0; i++)
		failed = extract_layer(extractor, scene->layers[i], scene->compressed,
				       err);
	*ret_counts = *extractor_counts(extractor);
	extractor_free(extractor);
	return failed;
}

static void begins(const char *what, const char *text, const char *wanted)
{
	expect(text_starts_with(text, wanted), "the %s is '%s', not '%s'", what, text,
	       wanted);
}

static void make_dir(const char *name)
{
	expect(mkdir(name, 0755) == 0, "mkdir %s: %s", name, strerror(errno));
}

/* Around the tree lies what must not change. Returns the directory. */
static int make_place(const char *path, uint64_t memory)
{
	char options[64];
	auto_close int file = -1;

	snprintf(options, sizeof(options), "size=%llu,mode=0755",
		 (unsigned long long)(memory ? memory : (uint64_t)1 << 30));
	expect(mount("tmpfs", path, "tmpfs", 0, options) == 0, "mount tmpfs: %s",
	       strerror(errno));
	expect(chdir(path) == 0, "%s: %s", path, strerror(errno));
	file = open("outside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	expect(file >= 0 && write(file, "untouched", 9) == 9, "write what is outside");
	make_dir("tree");
	return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void expect_untouched(int place)
{
	static char text[16];
	auto_close int file = openat(place, "outside", O_RDONLY | O_CLOEXEC);

	expect(file >= 0 && read(file, text, sizeof(text)) == 9 &&
		       strcmp(text, "untouched") == 0,
	       "what is outside was changed");
	expect(unlinkat(place, "outside", 0) == 0 &&
		       unlinkat(place, ".", AT_REMOVEDIR) < 0 &&
		       faccessat(place, "escaped", F_OK, AT_SYMLINK_NOFOLLOW) < 0,
	       "something came out");
}

/* In a process of its own, for it can be rooted only once. */
static void extract_below(const struct scene *scene)
{
	struct extracted counts;
	struct error err = { 0 };

	expect(chdir("low") == 0 && chroot(".") == 0, "enter the lower layer");
	expect(extract_layers(scene, 0, 0, &counts, &err) == 0, "%s", err.text);
	_exit(0);
}

static void lay_over(const struct scene *scene)
{
	int status;
	pid_t child;

	make_dir("low");
	make_dir("up");
	make_dir("work");
	child = fork();
	if (child == 0)
		extract_below(scene);
	expect(child > 0 && waitpid(child, &status, 0) == child && status == 0,
	       "the lower layer was not extracted");
	expect(mount("overlay", "tree", "overlay", 0,
		     "lowerdir=low,upperdir=up,workdir=work,userxattr") == 0,
	       "mount overlay: %s", strerror(errno));
}

static void expect_sights(const struct sight *sights)
{
	for (; sights && sights->path; sights++) {
		const char *seen = look(sights->path);

		expect(strcmp(seen, sights->wanted) == 0, "%s is '%s', not '%s'",
		       sights->path, seen, sights->wanted);
	}
}

static void play_in_tree(const struct scene *scene)
{
	const size_t first = scene->overlaid ? 1 : 0;
	struct extracted counts;
	struct error err = { 0 };
	int failed;

	expect(chdir("tree") == 0 && chroot(".") == 0, "enter the tree");
	failed = extract_layers(scene, first, SCENE_LAYERS_MAX - 1, &counts, &err);
	if (scene->error) {
		expect(failed < 0, "it did not fail");
		begins("error", err.text, scene->error);
		begins("hint", err.hint, scene->hint ? scene->hint : "");
	} else {
		expect(failed == 0, "%s: %s", err.text, strerror(err.errnum));
	}
	expect_sights(scene->sights);
	if (scene->after)
		scene->after(&counts);
}

struct staged {
	const struct scene *scene;
	const char *path;
};

static void play(const void *context)
{
	const struct staged *staged = context;
	auto_close int place = make_place(staged->path, staged->scene->memory);

	if (staged->scene->overlaid)
		lay_over(staged->scene);
	play_in_tree(staged->scene);
	expect_untouched(place);
}

void scene_play(void **state, const struct scene *scene)
{
	const struct temporary *temporary = *state;
	const struct staged staged = { scene, temporary->path };

	nursery_run(CLONE_NEWNS, play, &staged);
}

/* ---- looking ----------------------------------------------------------------------------- */

static void append_content(char *text, size_t size, const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	const size_t used = strlen(text);
	ssize_t length;

	expect(fd >= 0, "cannot open %s: %s", path, strerror(errno));
	length = read(fd, text + used, size - used - 1);
	expect(length >= 0, "cannot read %s: %s", path, strerror(errno));
	text[used + (size_t)length] = '\0';
}

const char *look(const char *path)
{
	static char text[400];
	const size_t size = sizeof(text);
	struct stat stat;
	size_t used;

	if (lstat(path, &stat) < 0)
		return errno == ENOENT || errno == ENOTDIR ? "-" : strerror(errno);
	if (S_ISLNK(stat.st_mode)) {
		memset(text, 0, size);
		memcpy(text, "l ", 2);
		expect(readlink(path, text + 2, size - 3) >= 0, "readlink");
		return text;
	}
	if (S_ISCHR(stat.st_mode)) {
		snprintf(text, size, "c %u:%u", major(stat.st_rdev), minor(stat.st_rdev));
		return text;
	}
	snprintf(text, size, "%c %o",
		 S_ISDIR(stat.st_mode)    ? 'd'
		 : S_ISFIFO(stat.st_mode) ? 'p'
					  : 'f',
		 stat.st_mode & 07777);
	used = strlen(text);
	if (!S_ISDIR(stat.st_mode) && stat.st_nlink > 1)
		snprintf(text + used, size - used, "+%u", (unsigned int)stat.st_nlink);
	if (S_ISREG(stat.st_mode) && stat.st_size > 0) {
		used = strlen(text);
		snprintf(text + used, size - used, " ");
		append_content(text, size, path);
	}
	return text;
}
