/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_BASE_ERROR_H
#define SBX_BASE_ERROR_H

#include <stdbool.h>

/*
 * Stable names of failures, for programs that read `--log-format json`, `--status-fd`
 * or `sbx doctor --json`. docs/interfaces.md lists them; a name is never given another
 * meaning. error_id_name() gives the text of each.
 */
#define ERROR_IDS(X)                                                                     \
	X(ERROR_PLAIN, "plain")                                                          \
	X(ERROR_USAGE, "usage")                                                          \
	X(ERROR_NO_COMMAND, "no-command")                                                \
	X(ERROR_COMMAND_NOT_FOUND, "command-not-found")                                  \
	X(ERROR_COMMAND_NOT_EXECUTABLE, "command-not-executable")                        \
	X(ERROR_WORKDIR, "workdir")                                                      \
	X(ERROR_CWD_UNSUITABLE, "cwd-unsuitable")                                        \
	X(ERROR_SOURCE_MISSING, "source-missing")                                        \
	X(ERROR_MOUNT_POINT_MISSING, "mount-point-missing")                              \
	X(ERROR_ROOT_NOT_DIRECTORY, "root-not-directory")                                \
	X(ERROR_ARCHIVE_UNSUPPORTED, "archive-unsupported")                              \
	X(ERROR_IMAGE, "image")                                                          \
	X(ERROR_SIGNATURE, "signature")                                                  \
	X(ERROR_ARCHITECTURE, "architecture")                                            \
	X(ERROR_CACHE, "cache")                                                          \
	X(ERROR_OVERLAY, "overlay")                                                      \
	X(ERROR_USERNS_FORBIDDEN, "userns-forbidden")                                    \
	X(ERROR_USERNS_SYSCTL, "userns-sysctl")                                          \
	X(ERROR_USERNS_APPARMOR, "userns-apparmor")                                      \
	X(ERROR_USERNS_SECCOMP, "userns-seccomp")                                        \
	X(ERROR_USERNS_LIMIT, "userns-limit")                                            \
	X(ERROR_SUBIDS_MISSING, "subids-missing")                                        \
	X(ERROR_IDMAP_HELPER, "idmap-helper")                                            \
	X(ERROR_IDS, "ids")                                                              \
	X(ERROR_GROUPS, "groups")                                                        \
	X(ERROR_PROC_COVERED, "proc-covered")                                            \
	X(ERROR_DEVICE_MISSING, "device-missing")                                        \
	X(ERROR_NAMESPACE, "namespace")                                                  \
	X(ERROR_NETWORK, "network")                                                      \
	X(ERROR_PORT, "port")                                                            \
	X(ERROR_EGRESS, "egress")                                                        \
	X(ERROR_KEYRING, "keyring")                                                      \
	X(ERROR_CAPABILITIES, "capabilities")                                            \
	X(ERROR_SECCOMP, "seccomp")                                                      \
	X(ERROR_POLICY, "policy")                                                        \
	X(ERROR_LANDLOCK, "landlock")                                                    \
	X(ERROR_LABEL, "label")                                                          \
	X(ERROR_CGROUP, "cgroup")                                                        \
	X(ERROR_LIMIT, "limit")                                                          \
	X(ERROR_NAME_TAKEN, "name-taken")                                                \
	X(ERROR_NO_SUCH_SANDBOX, "no-such-sandbox")                                      \
	X(ERROR_CONTAINER_STATE, "container-state")                                      \
	X(ERROR_HOOK, "hook")                                                            \
	X(ERROR_STATE, "state")                                                          \
	X(ERROR_CONFIG, "config")                                                        \
	X(ERROR_KERNEL, "kernel")                                                        \
	X(ERROR_RESOURCES, "resources")                                                  \
	X(ERROR_RUNSC_MISSING, "runsc-missing")                                          \
	X(ERROR_RUNSC_NOT_EXECUTABLE, "runsc-not-executable")                            \
	X(ERROR_RUNSC_ARCHITECTURE, "runsc-architecture")                                \
	X(ERROR_RUNSC_CHECKSUM, "runsc-checksum")                                        \
	X(ERROR_RUNSC_RELEASE, "runsc-release")                                          \
	X(ERROR_RUNSC_PIN, "runsc-pin")                                                  \
	X(ERROR_RUNSC_PLATFORM, "runsc-platform")                                        \
	X(ERROR_KVM_MISSING, "kvm-missing")                                              \
	X(ERROR_KVM_FORBIDDEN, "kvm-forbidden")                                          \
	X(ERROR_KVM_UNUSABLE, "kvm-unusable")                                            \
	X(ERROR_RUNSC_START, "runsc-start")                                              \
	X(ERROR_RUNSC_DIFFERENCE, "runsc-difference")                                    \
	X(ERROR_DIFFERENT, "different")                                                  \
	X(ERROR_DENIED, "denied")                                                        \
	X(ERROR_KILLED_BY_POLICY, "killed-by-policy")

enum error_id {
#define ERROR_ENUM(id, name) id,
	ERROR_IDS(ERROR_ENUM)
#undef ERROR_ENUM
};

/*
 * One failure: what was tried, on what, and the errno that stopped it.
 *
 * It holds no pointer, so nobody frees it, and the child can send it to the parent as it
 * is. Only the parent prints it.
 */
struct error {
	int errnum;       /* 0 where the kernel had no say */
	enum error_id id; /* stable name for machines; ERROR_PLAIN where nobody asks */
	int status; /* exit status that it stands for: 123, 125, 126 or 127; 0 means 125 */
	bool explained; /* the text says already what errno would: it is not repeated */
	int entry;      /* which one of a list it was, from 1, or its source: from -1 */
	char text[252]; /* completes "cannot ..."; printable, as the hint is */
	char hint[252]; /* the command or option that helps; may be empty */
};

/*
 * Each fills *err and returns -1, so that a failing function ends in `return error_…`.
 * What is too long for the text is cut. error_errno() takes errno as it is at the call.
 *
 * The format's own words stay as they are; the text of %s and %c, which is somebody else's,
 * is made printable (text_printable()). There are these and %d, %u with l, ll or z, %%, and
 * a precision for %s: no flags, no widths.
 */
int error_set(struct error *err, enum error_id id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int error_errno(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* As error_errno(), with a stable name. */
int error_errno_id(struct error *err, enum error_id id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the text. Returns -1. */
int error_within(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Sets the second line. Returns -1. */
int error_hint(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "source-missing" for ERROR_SOURCE_MISSING. */
const char *error_id_name(enum error_id id);

/* The exit status of sbx for this error: 125 unless the error says another one. */
int error_status(const struct error *err);

#endif
