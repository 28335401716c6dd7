/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_DIGEST_H
#define SBX_IMAGE_DIGEST_H

/*
 * Within sbx-image: the digest of a tree. sha256 over one record for each file in the order of
 * the paths' bytes: path, type, mode, uid, gid, size or link, sha256 of the content, user.* and
 * security.capability attributes, device; hard links by the first name. No times but where
 * asked, no inode numbers. A whiteout of overlayfs is a record of its own, and so is an opaque
 * directory.
 *
 * The document of IMAGE_TASK_DIGEST: { "digest": "sha256:…", "files": [ { "path", "type",
 * "mode", "uid", "gid", "size", "sha256" or "link" } … ] }, paths as base/json.h keeps bytes.
 */

struct arena;
struct error;
struct json_value;

/* dir_fd stays open. */
int tree_digest(int dir_fd, struct arena *arena, struct json_value **ret_document,
		struct error *err);

#endif
