//! Facts about the world, as data: images, tags, packages, users.
