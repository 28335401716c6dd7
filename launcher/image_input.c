/* SPDX-License-Identifier: Apache-2.0 */
/* The operand of --root, and of `sbx image`, as the input of a job; and whether it counts. */
#include "launcher/images.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "image/trust.h"
#include "launcher/verify.h"
#include "plan/plan.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

const char *images_kind(const char *operand)
{
	static const char *const kinds[] = { "oci", "oci-archive", "docker-archive" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const size_t length = strlen(kinds[i]);

		if (strncmp(operand, kinds[i], length) == 0 && operand[length] == ':')
			return kinds[i];
	}
	return NULL;
}

const char *images_own_arch(struct arena *arena)
{
	struct utsname machine;
	const char *arch;

	if (uname(&machine) < 0)
		return NULL;
	arch = image_arch_of_machine(machine.machine);
	return arch ? arena_strdup(arena, arch) : NULL;
}

static int refuse_kind(const char *operand, enum image_kind kind, struct error *err)
{
	switch (kind) {
	case IMAGE_ARCHIVE:
	case IMAGE_LAYOUT:
		return 0;
	case IMAGE_HOST:
	case IMAGE_DIRECTORY:
		error_set(err, ERROR_IMAGE, "read %s as an image: it is a directory",
			  operand);
		return error_hint(err, "oci:DIR names an image in a directory");
	case IMAGE_FILESYSTEM:
		return error_set(err, ERROR_ARCHIVE_UNSUPPORTED,
				 "read %s as an image: it is %s", operand,
				 image_describe(operand));
	case IMAGE_REGISTRY:
	case IMAGE_UNKNOWN:
		break;
	}
	return image_refuse(operand, err);
}

static const char *make_absolute(const char *path, struct arena *arena)
{
	enum { SIZE = 4096 };
	char *cwd = arena_alloc(arena, SIZE);

	if (path[0] == '/' || !getcwd(cwd, SIZE))
		return path;
	return arena_printf(arena, "%s/%s", cwd, path);
}

int images_input(const char *operand, const char *tag, struct arena *arena,
		 struct image_job *ret_job, struct error *err)
{
	struct image_job job = {
		.socket = -1,
		.input_fd = -1,
		.kind = images_kind(operand),
		.arch = images_own_arch(arena),
		.first = 0,
		.last = -1,
	};
	enum image_kind kind;

	if (image_recognize(operand, &kind, err) < 0 ||
	    refuse_kind(operand, kind, err) < 0)
		return -1;
	if (strcmp(operand, "-") == 0)
		job.input_fd = STDIN_FILENO;
	else
		job.path = make_absolute(image_operand_path(operand, arena, &job.tag),
					 arena);
	if (tag)
		job.tag = tag;
	*ret_job = job;
	return 0;
}

/* ---- trust ----------------------------------------------------------------------------- */

/* The whole of a stream, so that it can be verified before it is read. */
static int spool_input(struct arena *arena, int *ret_spool, struct error *err)
{
	enum { PIECE = 1 << 17 };
	auto_close int spool = memfd_create("image", MFD_CLOEXEC);
	char *piece = arena_alloc(arena, PIECE);
	ssize_t got;

	if (spool < 0)
		return error_errno(err, "make a place for the standard input");
	for (;;) {
		got = read(STDIN_FILENO, piece, PIECE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (fd_write_all(spool, piece, (size_t)got) < 0)
			return error_errno(err, "keep the standard input in memory");
	}
	if (got < 0)
		return error_errno(err, "read the standard input");
	*ret_spool = fd_take(&spool);
	return 0;
}

/* As images_verify() does: --insecure asks nobody, and nothing is read where no key covers it. */
static int verify_stream(const char *name, const char *signature, bool insecure,
			 struct arena *arena, int *spool, struct verified *ret_verified,
			 struct error *err)
{
	struct trust_key *keys;
	size_t count = 0;

	if (!insecure && trust_find(name, arena, &keys, &count, err) < 0)
		return error_within(err, "verify %s", name);
	if (count > 0 && spool_input(arena, spool, err) < 0)
		return -1;
	return images_verify_fd(*spool, name, signature, insecure, arena, ret_verified,
				err);
}

int images_verify_input(const char *operand, const char *name, const char *signature,
			bool insecure, struct arena *arena, int *spool,
			struct verified *ret_verified, struct error *err)
{
	if (strcmp(operand, "-") == 0)
		return verify_stream(name, signature, insecure, arena, spool,
				     ret_verified, err);
	return images_verify(operand, name, signature, insecure, arena, ret_verified,
			     err);
}

/* Others than the caller and root: its owner, who is in its group, everybody. */
static bool others_write(int file)
{
	struct stat status;

	return fstat(file, &status) < 0 ||
	       (status.st_uid != geteuid() && status.st_uid != 0) ||
	       status.st_mode & S_IWOTH ||
	       (status.st_mode & S_IWGRP && status.st_gid != getegid());
}

int images_verify_served(const struct image_spec *image, int file, struct arena *arena,
			 struct error *err)
{
	const char *name = trust_name(image->operand, arena, err);
	struct verified verified = { .signer = NULL };

	if (!name || images_verify_fd(file, name, image->signature, image->insecure,
				      arena, &verified, err) < 0)
		return -1;
	if (!verified.signer || !others_write(file))
		return 0;
	error_set(err, ERROR_SIGNATURE,
		  "verify %s: others may change it while it is used", name);
	return error_hint(err, "use a copy of your own");
}
