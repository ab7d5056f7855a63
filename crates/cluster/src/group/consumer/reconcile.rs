//! One member's way from what it owns to what it should own.
//!
//! A member first lets go of what it should not have, and says so by no longer naming it among
//! what it owns. It gets a partition only when nobody else owns it. Its epoch reaches the
//! target's when it has nothing left to let go of.

use fleuve_model::{PartitionId, TopicId};

use crate::group::{Assignment, CurrentAssignment, GroupError, MemberState, OwnedPartitions};

/// What a member is to come to.
pub(super) struct Target<'a> {
    pub(super) epoch: i32,
    pub(super) assignment: &'a Assignment,
}

/// The member's next step, or the step that it is at.
///
/// `owned` is what it says that it owns, if it says so; `is_free` tells of a partition whether
/// no member of the group owns it.
pub(super) fn reconcile(
    current: &CurrentAssignment,
    target: &Target<'_>,
    owned: Option<&Assignment>,
    is_free: impl Fn(TopicId, PartitionId) -> bool,
) -> Result<CurrentAssignment, GroupError> {
    match current.state {
        MemberState::Stable if current.member_epoch == target.epoch => Ok(current.clone()),
        MemberState::Stable | MemberState::UnreleasedPartitions => Ok(next_step(
            current,
            current.member_epoch,
            target,
            owned,
            is_free,
        )),
        MemberState::UnrevokedPartitions if still_owns(owned, &current.pending_revocation) => {
            Ok(current.clone())
        }
        MemberState::UnrevokedPartitions => Ok(next_step(
            current,
            current.member_epoch + 1,
            target,
            owned,
            is_free,
        )),
        MemberState::Unknown if owned.is_some_and(Assignment::is_empty) => {
            Ok(next_step(current, target.epoch, target, owned, is_free))
        }
        MemberState::Unknown => Err(GroupError::FencedMemberEpoch(
            "The consumer group member is in a unknown state. The member must abandon all its \
             partitions and rejoin."
                .to_owned(),
        )),
    }
}

fn next_step(
    current: &CurrentAssignment,
    epoch_until_revoked: i32,
    target: &Target<'_>,
    owned: Option<&Assignment>,
    is_free: impl Fn(TopicId, PartitionId) -> bool,
) -> CurrentAssignment {
    let (mut kept, revoked) = split(&current.assigned, target.assignment);
    if !revoked.is_empty() && still_owns(owned, &revoked) {
        return CurrentAssignment {
            member_epoch: epoch_until_revoked,
            previous_member_epoch: current.member_epoch,
            state: MemberState::UnrevokedPartitions,
            assigned: kept,
            pending_revocation: revoked,
        };
    }
    let all_free = add_free(&mut kept, &current.assigned, target, is_free);
    CurrentAssignment {
        member_epoch: target.epoch,
        previous_member_epoch: current.member_epoch,
        state: if all_free {
            MemberState::Stable
        } else {
            MemberState::UnreleasedPartitions
        },
        assigned: kept,
        pending_revocation: OwnedPartitions::new(),
    }
}

/// What of `assigned` is in `target`, and what is not.
fn split(assigned: &OwnedPartitions, target: &Assignment) -> (OwnedPartitions, OwnedPartitions) {
    let mut kept = OwnedPartitions::new();
    let mut revoked = OwnedPartitions::new();
    for (topic, numbers) in assigned {
        for (number, epoch) in numbers {
            let stays = target
                .get(topic)
                .is_some_and(|wanted| wanted.contains(number));
            let side = if stays { &mut kept } else { &mut revoked };
            side.entry(*topic).or_default().insert(*number, *epoch);
        }
    }
    (kept, revoked)
}

/// Adds what the target has more and nobody owns; says whether that was all of it.
fn add_free(
    kept: &mut OwnedPartitions,
    assigned: &OwnedPartitions,
    target: &Target<'_>,
    is_free: impl Fn(TopicId, PartitionId) -> bool,
) -> bool {
    let mut all_free = true;
    for (topic, numbers) in target.assignment {
        for number in numbers {
            if assigned
                .get(topic)
                .is_some_and(|known| known.contains_key(number))
            {
                continue;
            }
            if is_free(*topic, *number) {
                kept.entry(*topic)
                    .or_default()
                    .insert(*number, target.epoch);
            } else {
                all_free = false;
            }
        }
    }
    all_free
}

/// Whether the member still names any of `revoked`; one that does not say what it owns may
/// own anything.
fn still_owns(owned: Option<&Assignment>, revoked: &OwnedPartitions) -> bool {
    let Some(owned) = owned else { return true };
    owned.iter().any(|(topic, numbers)| {
        let revoked = revoked.get(topic);
        revoked.is_some_and(|revoked| numbers.iter().any(|number| revoked.contains_key(number)))
    })
}
