/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two layers, made from the input, one over the other: whiteouts hide what lower layers have
 * and nothing of their own, so it must not matter where in their layer they stand. Each pair
 * is extracted as it is, and once more with the whiteouts of the upper layer in front; both
 * trees must have the same files. Where one of both fails (a file as a directory, which a
 * whiteout would have removed), nothing is compared.
 */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "image/extract.h"
#include "tests/fuzz/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRIES_MAX = 24, NAME_SIZE = 64 };

struct member {
	char name[NAME_SIZE];
	unsigned int type, mode;
	bool hides;
};

struct layer {
	struct member members[ENTRIES_MAX];
	size_t count;
};

/* ---- the place --------------------------------------------------------------------------- */

/* Where trees are made, and what the process came from; -1: no namespaces here. */
static char place[200];
static int place_fd = -1, root_fd = -1, cwd_fd = -1;

static bool write_map(const char *path, unsigned int own)
{
	char text[32];

	snprintf(text, sizeof(text), "0 %u 1\n", own);
	return files_write(AT_FDCWD, path, text) == 0;
}

static void remove_place(void)
{
	umount2(place, MNT_DETACH);
	rmdir(place);
}

static void make_place(void)
{
	const char *parent = getenv("TMPDIR");

	snprintf(place, sizeof(place), "%s/sbx-fuzz.XXXXXX",
		 parent && parent[0] == '/' ? parent : "/tmp");
	if (!mkdtemp(place) || atexit(remove_place) != 0)
		abort();
}

/* Before there is any other thread (user_namespaces(7)). */
__attribute__((constructor)) static void enter_place(void)
{
	const unsigned int uid = geteuid();
	const unsigned int gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
	    files_write(AT_FDCWD, "/proc/self/setgroups", "deny") < 0 ||
	    !write_map("/proc/self/uid_map", uid) ||
	    !write_map("/proc/self/gid_map", gid))
		return;
	make_place();
	root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cwd_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mount("tmpfs", place, "tmpfs", 0, "mode=0755") < 0)
		return;
	place_fd = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void must(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* ---- layers out of bytes ----------------------------------------------------------------- */

static size_t take_directory(char name[static NAME_SIZE], struct bytes *bytes)
{
	static const char *const parts[] = { "a", "b", "c" };
	size_t depth = bytes_take(bytes) % 3;
	size_t used = 0;

	for (size_t i = 0; i < depth; i++)
		used += (size_t)snprintf(name + used, NAME_SIZE - used, "%s/",
					 parts[bytes_take(bytes) % 3]);
	return used;
}

static void take_member(struct member *member, struct bytes *bytes, bool upper,
			unsigned int mode)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	size_t used = take_directory(member->name, bytes);
	const char *name = names[bytes_take(bytes) % 4];
	const int kind = bytes_take(bytes) % (upper ? 6 : 3);

	member->type = kind == 1 ? AE_IFDIR : AE_IFREG;
	member->mode = mode;
	member->hides = kind >= 4;
	snprintf(member->name + used, NAME_SIZE - used, "%s%s", kind == 4 ? ".wh." : "",
		 kind == 5 ? ".wh..wh..opq" : name);
}

/* Files are told apart by their modes. */
static void take_layer(struct layer *layer, struct bytes *bytes, bool upper)
{
	layer->count = bytes_take(bytes) % ENTRIES_MAX;
	for (size_t i = 0; i < layer->count; i++)
		take_member(&layer->members[i], bytes, upper,
			    0700 + (unsigned int)i +
				    (upper ? (unsigned int)ENTRIES_MAX : 0));
}

/* ---- extracting -------------------------------------------------------------------------- */

static uint64_t count_input(void *context)
{
	(void)context;
	return 1;
}

static int add_members(struct extractor *extractor, const struct layer *layer,
		       bool hiding, bool making, struct error *err)
{
	int failed = 0;

	for (size_t i = 0; i < layer->count && failed == 0; i++) {
		const struct member *member = &layer->members[i];
		struct archive_entry *entry;

		if (member->hides ? !hiding : !making)
			continue;
		entry = archive_entry_new();
		must(entry != NULL, "no memory");
		archive_entry_copy_pathname(entry, member->name);
		archive_entry_set_filetype(entry, member->type);
		archive_entry_set_perm(entry, (mode_t)member->mode);
		failed = extractor_add(extractor, NULL, entry, err);
		archive_entry_free(entry);
	}
	return failed;
}

static bool extract(const char *name, const struct layer layers[2], bool hiding_first)
{
	const struct extract_options options = { .whiteouts = true,
						 .input = count_input };
	struct error err;
	struct extractor *extractor;
	int failed;

	must(mkdirat(place_fd, name, 0755) == 0 && fchdir(place_fd) == 0 &&
		     chroot(name) == 0 && chdir("/") == 0,
	     "cannot enter a tree");
	extractor = extractor_new(&options, &err);
	must(extractor != NULL, "cannot begin");
	extractor_begin_layer(extractor);
	failed = add_members(extractor, &layers[0], true, true, &err) < 0 ||
		 extractor_finish_layer(extractor, &err) < 0;
	extractor_begin_layer(extractor);
	if (hiding_first)
		failed = failed ||
			 add_members(extractor, &layers[1], true, false, &err) < 0;
	failed = failed ||
		 add_members(extractor, &layers[1], !hiding_first, true, &err) < 0 ||
		 extractor_finish_layer(extractor, &err) < 0;
	extractor_free(extractor);
	must(fchdir(root_fd) == 0 && chroot(".") == 0 && fchdir(cwd_fd) == 0,
	     "cannot leave a tree");
	return !failed;
}

/* ---- comparing --------------------------------------------------------------------------- */

/* Everything below a is below b too; a directory's mode may be that of either layer. */
static bool has_all(int a, int b)
{
	DIR *dir = fdopendir(dup(a));
	const struct dirent *entry;
	bool same = dir != NULL;

	while (same) {
		struct stat in_a;
		struct stat in_b;

		entry = readdir(dir);
		if (!entry)
			break;
		if (entry->d_name[0] == '.' && strspn(entry->d_name, ".") < 3 &&
		    strlen(entry->d_name) < 3)
			continue;
		same = fstatat(a, entry->d_name, &in_a, AT_SYMLINK_NOFOLLOW) == 0 &&
		       fstatat(b, entry->d_name, &in_b, AT_SYMLINK_NOFOLLOW) == 0 &&
		       (in_a.st_mode & S_IFMT) == (in_b.st_mode & S_IFMT);
		if (same && S_ISREG(in_a.st_mode))
			same = in_a.st_mode == in_b.st_mode;
		if (same && S_ISDIR(in_a.st_mode)) {
			auto_close int below_a =
				openat(a, entry->d_name, O_RDONLY | O_CLOEXEC);
			auto_close int below_b =
				openat(b, entry->d_name, O_RDONLY | O_CLOEXEC);

			same = has_all(below_a, below_b);
		}
	}
	if (dir)
		closedir(dir);
	return same;
}

static void compare(const struct layer layers[2])
{
	auto_close int one = openat(place_fd, "one", O_RDONLY | O_CLOEXEC);
	auto_close int two = openat(place_fd, "two", O_RDONLY | O_CLOEXEC);

	if (has_all(one, two) && has_all(two, one))
		return;
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < layers[i].count; j++)
			fprintf(stderr, "%zu %c %o %s\n", i,
				layers[i].members[j].type == AE_IFDIR ? 'd' : 'f',
				layers[i].members[j].mode, layers[i].members[j].name);
	must(false, "the place of a whiteout in its layer matters");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = { data, size };
	struct layer layers[2];
	bool one, two;

	if (place_fd < 0)
		return 0;
	memset(layers, 0, sizeof(layers));
	take_layer(&layers[0], &bytes, false);
	take_layer(&layers[1], &bytes, true);
	one = extract("one", layers, false);
	two = extract("two", layers, true);
	if (one && two)
		compare(layers);
	must(files_remove_tree(place_fd, "one") == 0 &&
		     files_remove_tree(place_fd, "two") == 0,
	     "cannot remove the trees");
	return 0;
}
