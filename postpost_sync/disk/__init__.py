"""Folders and files as they lie on disk: nothing is followed, nothing is trusted. Hides the file system, libmagic, inotify.

Each component of a path is opened from its parent's own descriptor, without following links. A file that was checked is
the file that is sent: device, inode, size and times are compared when it is opened again, and once more afterwards.
"""
