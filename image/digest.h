/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_DIGEST_H
#define SBX_IMAGE_DIGEST_H

/*
 * Within sbx-image: the digest of a tree. sha256 over one record for each file in the order of
 * the paths' bytes: path, type, mode, uid, gid, size or link, sha256 of the content, user.* and
 * security.capability attributes, device; hard links by the first name. No times, no inode
 * numbers. A whiteout of overlayfs is a record of its own, and an opaque directory says so.
 *
 * The document of IMAGE_TASK_DIGEST: { "digest": "sha256:…", "count": N, "files": [ { "path",
 * "type", "mode", "uid", "gid", "size", "sha256" or "link" … } … ] }, paths as base/json.h
 * keeps bytes; docs/interfaces.md has all of it. The top of the tree is ".".
 */

#include <stddef.h>

struct arena;
struct error;
struct json_value;

/* What the document lists at most, so that it can be read again. */
enum { DIGEST_LISTED_MAX = 40000 };

/* dir_fd stays open. Where there are more than `listed` files, "files" is left out. */
int tree_digest(int dir_fd, size_t listed, struct arena *arena,
		struct json_value **ret_document, struct error *err);

#endif
