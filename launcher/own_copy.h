/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_OWN_COPY_H
#define SBX_LAUNCHER_OWN_COPY_H

/*
 * Executes the same program again, from a file that nobody can write: a read-only mount of it,
 * or a sealed copy in memory. For commands that put a process into a container: from inside
 * its file may be reached by /proc/PID/exe (CVE-2019-5736), and could be overwritten by
 * whoever has the caller's own ids there. Returns where that is done already or not needed, for
 * the caller may not write the file either; or where it cannot be had, and then only the
 * checks of exec_leads_to() are left. argv[0] becomes the file's path, for own_program_find().
 */
void own_copy_become(char *const *argv);

#endif
