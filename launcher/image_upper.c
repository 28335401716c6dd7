/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer that is kept belongs to the image that it was begun with: over other files
 * overlayfs(5) shows a mixture of both, or what nobody ever wrote. So the directory of --upper
 * has a file that says which image that was.
 */
#include "launcher/images.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/files.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { DIGEST_SIZE = sizeof("sha256:") + 64 };

static int refuse(const char *upper, const char *begun, const char *digest,
		  struct error *err)
{
	error_set(err, ERROR_IMAGE,
		  "use --upper %s: it was begun with the image %.19s…, not %.19s…", upper,
		  begun, digest);
	return error_hint(err, "a new directory begins with this image; sbx image list "
			       "shows which have which digest");
}

static int compare_or_note(const char *upper, const char *digest, const char *path,
			   struct error *err)
{
	char begun[DIGEST_SIZE + 1] = "";

	if (files_read(AT_FDCWD, path, begun, sizeof(begun) - 1) >= 0) {
		begun[strcspn(begun, "\n")] = '\0';
		return strcmp(begun, digest) == 0 ? 0 : refuse(upper, begun, digest, err);
	}
	if (errno != ENOENT)
		return error_errno(err, "read %s", path);
	if (files_replace(AT_FDCWD, path, digest, strlen(digest), 0644) < 0)
		return error_errno(err, "note the image in %s", path);
	return 0;
}

int images_hold_upper(const struct plan *plan, struct error *err)
{
	const char *upper = plan->rootfs.upper, *digest = plan->image.digest;
	struct arena arena = { 0 };
	int failed;

	if (!plan->image.operand || !upper || !digest)
		return 0;
	failed = compare_or_note(upper, digest, arena_printf(&arena, "%s/image", upper),
				 err);
	arena_free(&arena);
	return failed;
}
