//! Files that are torn, rotten and full; no network.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::segment::{Segment, Ticket, size_of};
use super::{Evicted, Spool};
use crate::otlp::encode::{Batch, Encoding};

fn folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("wirespan-segment-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    fs::create_dir(&path).unwrap();
    path
}

fn batch(number: u8) -> Batch {
    Batch {
        body: vec![number; usize::from(number) * 7].into(),
        spans: number.into(),
        encoding: if number.is_multiple_of(2) { Encoding::Json } else { Encoding::Protobuf },
        is_gzip: number.is_multiple_of(3),
    }
}

fn write_three(path: &Path) -> u64 {
    let mut segment = Segment::create(path.to_owned()).unwrap();
    (1..=3).for_each(|number| segment.append(&batch(number)).unwrap());
    segment.totals().bytes
}

fn read_all(path: &Path) -> (Vec<Option<Batch>>, bool) {
    let (mut segment, is_torn) = Segment::open(path.to_owned()).unwrap();
    let mut batches = Vec::new();
    while !segment.is_finished() {
        let batch = segment.take_first(Ticket(0), u32::MAX).and_then(Result::ok);
        if let Some(batch) = &batch {
            assert!(segment.settle(Ticket(0), batch.spans));
        }
        batches.push(batch);
    }
    (batches, is_torn)
}

#[test]
fn batches_come_back_as_they_were_and_only_their_owner_reads_them() {
    let folder = folder();
    let path = folder.join("a");
    write_three(&path);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(read_all(&path), ((1..=3).map(|number| Some(batch(number))).collect(), false));
    assert_eq!(read_all(&path), (Vec::new(), false), "delivered ones stay delivered");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_torn_anywhere_keeps_what_is_whole() {
    let folder = folder();
    let path = folder.join("a");
    let len = write_three(&path);
    let whole = fs::read(&path).unwrap();
    let ends = [size_of(&batch(1)), size_of(&batch(1)) + size_of(&batch(2)), len];
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let kept = ends.iter().filter(|end| **end <= cut as u64).count();
        let (batches, is_torn) = read_all(&path);
        let expected: Vec<_> = (1..=3).take(kept).map(|number| Some(batch(number))).collect();
        assert_eq!(batches, expected, "{cut}");
        assert_eq!(is_torn, cut != 0 && !ends.contains(&(cut as u64)), "{cut}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_rotten_byte_never_yields_a_wrong_batch() {
    let folder = folder();
    let path = folder.join("a");
    write_three(&path);
    let whole = fs::read(&path).unwrap();
    let good: Vec<_> = (1..=3).map(batch).collect();
    for at in 0..whole.len() {
        let mut rotten = whole.clone();
        rotten[at] ^= 0xff;
        fs::write(&path, &rotten).unwrap();
        let (batches, _) = read_all(&path);
        // State, progress and the fourth byte are not covered.
        assert!(batches.iter().flatten().all(|batch| good.contains(batch)), "{at}: {batches:?}");
    }
    fs::write(&path, [0xff; 1_000]).unwrap();
    assert_eq!(read_all(&path), (Vec::new(), true));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_cannot_be_read_back_is_passed_over_and_counted() {
    let folder = folder();
    let mut spool = Spool::open(&folder, 1 << 20).unwrap();
    (1..=3).for_each(|number| spool.append(&batch(number), &mut Evicted::default()).unwrap());
    let lane = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let file = lane.join("000000000000.batches");
    let mut bytes = fs::read(&file).unwrap();
    bytes[20] ^= 1;
    fs::write(&file, bytes).unwrap();
    for number in [2, 3] {
        let (ticket, taken) = spool.take(u32::MAX).unwrap();
        assert_eq!((taken, spool.take_unreadable()), (batch(number), u64::from(number == 2)));
        spool.settle(ticket, number.into());
    }
    assert!(spool.is_empty() && spool.take(u32::MAX).is_none());
    drop(spool);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_batch_under_way_is_not_counted_when_its_file_goes() {
    let folder = folder();
    let large = Batch { body: vec![1; 30_000].into(), spans: 5, ..Batch::default() };
    let mut spool = Spool::open(&folder, 65_536).unwrap();
    let mut evicted = Evicted::default();
    spool.append(&large, &mut evicted).unwrap();
    spool.append(&large, &mut evicted).unwrap();
    let (ticket, batch) = spool.take(u32::MAX).unwrap();
    assert_eq!((batch, &evicted), (large.clone(), &Evicted::default()));
    spool.append(&large, &mut evicted).unwrap();
    assert_eq!(evicted, Evicted { spans: 0, taken: vec![ticket] });
    spool.append(&large, &mut evicted).unwrap();
    assert_eq!(evicted, Evicted { spans: 5, taken: vec![ticket] });
    let too_large = Batch { body: vec![1; 65_536].into(), ..Batch::default() };
    assert!(spool.append(&too_large, &mut evicted).is_err());
    assert_eq!(spool.totals().batches, 2);
    drop(spool);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn foreign_files_in_the_folder_are_left_alone() {
    let folder = folder();
    fs::write(folder.join("lane-file"), "x").unwrap();
    fs::create_dir(folder.join("lane-empty")).unwrap();
    fs::create_dir(folder.join("photos")).unwrap();
    let mut spool = Spool::open(&folder, 1 << 20).unwrap();
    assert_eq!(spool.adopt().unwrap(), 0);
    assert!(spool.is_empty());
    assert!(folder.join("lane-file").exists() && folder.join("photos").exists());
    assert!(!folder.join("lane-empty").exists(), "what its owner could not delete any more");
    fs::remove_dir_all(folder).unwrap();
}
