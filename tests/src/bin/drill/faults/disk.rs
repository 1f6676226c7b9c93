//! The disk on which PostgreSQL keeps its tables is full. It takes a small disk of its own for that, which root alone
//! can mount; its write-ahead log stays where it was.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::{MetadataExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tokio::{task::block_in_place, time::sleep};

use crate::{Done, load::Load, stage::Stage};

/// Beyond what there is already, before the rest is filled up.
const ROOM_BYTES: u64 = 32 << 20;
const CHUNK_BYTES: usize = 64 << 10;
const FULL_FOR: Duration = Duration::from_secs(14);

/// A mounted tmpfs.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path, like: &Path, bytes: u64) -> Done<Self> {
        fs::create_dir_all(folder)?;
        // One that a killed drill left behind.
        drop(Command::new("umount").arg("--lazy").arg(folder).output());
        let owner = fs::metadata(like)?;
        let options = format!(
            "size={bytes},mode=0700,uid={},gid={}",
            owner.uid(),
            owner.gid()
        );
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder))?;
        Ok(Self(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn run(command: &mut Command) -> Done {
    let output = command.output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr)
            .trim()
            .to_owned()
            .into())
    }
}

/// A folder that is not there yet. `cp`, because owners and times have to stay, and holes must not be made.
fn copy(from: &Path, to: &Path) -> Done {
    run(Command::new("cp")
        .args(["-a", "--sparse=never"])
        .arg(from)
        .arg(to))
}

fn bytes_in(folder: &Path) -> Done<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        sum += if found.is_dir() {
            bytes_in(&entry.path())?
        } else {
            found.len() + 4096
        };
    }
    Ok(sum)
}

pub(crate) async fn full(stage: &mut Stage) -> Done {
    if !rustix::process::geteuid().is_root() {
        stage.skipped = true;
        stage.note("root alone can mount a small disk".to_owned());
        return Ok(());
    }
    let tables = stage.cluster.primary()?.data_dir().join("cluster/base");
    let folder = stage.folder.join("small-disk");
    stage.cluster.stop()?;
    let disk =
        block_in_place(|| SmallDisk::mount(&folder, &tables, bytes_in(&tables)? + ROOM_BYTES));
    let disk = match disk {
        Ok(disk) => disk,
        Err(why) => {
            stage.skipped = true;
            stage.note(format!("a small disk cannot be mounted: {why}"));
            return stage.cluster.start_again();
        }
    };
    let (aside, on_it) = (tables.with_extension("aside"), disk.0.join("base"));
    block_in_place(|| {
        copy(&tables, &on_it)?;
        fs::rename(&tables, &aside)?;
        Ok::<_, crate::Failure>(symlink(&on_it, &tables)?)
    })?;
    stage.cluster.start_again()?;
    for at in [0, 1] {
        stage.ready(at).await?;
    }
    let filled = fill(stage, &disk).await;
    stage.cluster.stop()?;
    block_in_place(|| {
        fs::remove_file(&tables)?;
        fs::remove_dir_all(&aside)?;
        copy(&on_it, &tables)
    })?;
    stage.cluster.start_again()?;
    filled
}

async fn fill(stage: &mut Stage, disk: &SmallDisk) -> Done {
    let load = Load::begin(&stage.shared, stage.chance.branch(), stage.rate);
    stage.pause(2).await;
    let ballast = disk.0.join("ballast");
    block_in_place(|| {
        let (mut file, chunk) = (File::create(&ballast)?, vec![0; CHUNK_BYTES]);
        while file.write_all(&chunk).is_ok() {}
        Ok::<_, std::io::Error>(())
    })?;
    sleep(FULL_FOR).await;
    fs::remove_file(&ballast)?;
    stage.is_mended();
    sleep(Duration::from_secs(6)).await;
    load.end().await;
    Ok(())
}
