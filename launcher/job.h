/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_JOB_H
#define SBX_LAUNCHER_JOB_H

/*
 * Stops the calling process as a shell stops a job, until somebody continues it or the
 * process of the pidfd has ended. Nothing happens where no shell could continue it.
 */
void job_stand_still(int pidfd);

/* The same until somebody continues it. */
void job_stop(void);

#endif
