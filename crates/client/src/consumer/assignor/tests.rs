use super::*;

fn member(id: &str, topics: &[&str]) -> Member {
    Member {
        id: id.to_owned(),
        topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        generation: -1,
        ..Member::default()
    }
}

fn topics(counts: &[(&str, i32)]) -> BTreeMap<String, i32> {
    counts
        .iter()
        .map(|(topic, count)| ((*topic).to_owned(), *count))
        .collect()
}

/// `t-0 t-1 | t-2`, members in the order of their ids.
fn shown(assignment: &Assignment) -> String {
    let member = |owned: &Vec<Owned>| {
        let mut owned = owned.clone();
        owned.sort();
        let names: Vec<String> = owned.iter().map(|(t, p)| format!("{t}-{p}")).collect();
        names.join(" ")
    };
    assignment
        .values()
        .map(member)
        .collect::<Vec<String>>()
        .join(" | ")
}

fn owning(mut members: Vec<Member>, assignment: &Assignment, generation: i32) -> Vec<Member> {
    for member in &mut members {
        member.owned = assignment.get(&member.id).cloned().unwrap_or_default();
        member.generation = generation;
    }
    members
}

#[test]
fn range_gives_runs_of_each_topic() {
    let members = [member("a", &["t", "u"]), member("b", &["t", "u"])];
    let assignment = Assignor::Range.assign(&topics(&[("t", 3), ("u", 3)]), &members);
    assert_eq!(shown(&assignment), "t-0 t-1 u-0 u-1 | t-2 u-2");
}

#[test]
fn range_puts_static_members_first() {
    let mut late = member("z", &["t"]);
    late.instance_id = Some("1".to_owned());
    let assignment = Assignor::Range.assign(&topics(&[("t", 3)]), &[member("a", &["t"]), late]);
    assert_eq!(shown(&assignment), "t-2 | t-0 t-1");
}

#[test]
fn round_robin_goes_around_and_passes_over_who_does_not_subscribe() {
    let members = [
        member("a", &["t"]),
        member("b", &["t", "u"]),
        member("c", &["u"]),
    ];
    let assignment = Assignor::RoundRobin.assign(&topics(&[("t", 3), ("u", 3)]), &members);
    assert_eq!(shown(&assignment), "t-0 t-2 | t-1 u-0 u-2 | u-1");
}

#[test]
fn sticky_is_even_and_moves_only_what_it_must() {
    let partitions = topics(&[("t", 9)]);
    let two = vec![member("a", &["t"]), member("b", &["t"])];
    let before = sticky::assign(&partitions, &two);
    assert_eq!(before.values().map(Vec::len).collect::<Vec<_>>(), [5, 4]);

    let mut three = owning(two, &before, 1);
    three.push(member("c", &["t"]));
    let after = sticky::assign(&partitions, &three);
    for id in ["a", "b"] {
        assert_eq!(after[id].len(), 3);
        assert!(
            after[id].iter().all(|owned| before[id].contains(owned)),
            "{id} keeps its own"
        );
    }
    assert_eq!(after["c"].len(), 3);
}

#[test]
fn sticky_hands_on_what_a_member_has_left() {
    let partitions = topics(&[("t", 6)]);
    let three = vec![
        member("a", &["t"]),
        member("b", &["t"]),
        member("c", &["t"]),
    ];
    let before = sticky::assign(&partitions, &three);
    let two: Vec<Member> = owning(three, &before, 1).into_iter().take(2).collect();
    let after = sticky::assign(&partitions, &two);
    for id in ["a", "b"] {
        assert_eq!(after[id].len(), 3);
        assert!(before[id].iter().all(|owned| after[id].contains(owned)));
    }
}

#[test]
fn a_claim_of_an_older_generation_does_not_count() {
    let mut old = member("a", &["t"]);
    (old.owned, old.generation) = (vec![("t".to_owned(), 0), ("t".to_owned(), 1)], 3);
    let mut new = member("b", &["t"]);
    (new.owned, new.generation) = (vec![("t".to_owned(), 0)], 4);
    let assignment = sticky::assign(&topics(&[("t", 2)]), &[old, new]);
    assert_eq!(shown(&assignment), "t-1 | t-0");
}

#[test]
fn different_subscriptions_are_made_as_even_as_they_can_be() {
    let members = [
        member("a", &["t"]),
        member("b", &["t", "u"]),
        member("c", &["t", "u", "v"]),
    ];
    let assignment = sticky::assign(&topics(&[("t", 1), ("u", 2), ("v", 3)]), &members);
    assert_eq!(shown(&assignment), "t-0 | u-0 u-1 | v-0 v-1 v-2");
}

#[test]
fn every_partition_has_one_owner_who_subscribes_to_it() {
    let mut state = 1u64;
    let mut random = move |end: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % end
    };
    let names = ["t", "u", "v", "w"];
    for round in 0..500 {
        let counts: Vec<(&str, i32)> = names.iter().map(|t| (*t, random(6) as i32)).collect();
        let partitions = topics(&counts);
        let mut members: Vec<Member> = (0..1 + random(6))
            .map(|index| {
                let mut chosen: Vec<&str> =
                    names.iter().copied().filter(|_| random(3) > 0).collect();
                if round % 2 == 0 || chosen.is_empty() {
                    chosen = names.to_vec();
                }
                member(&format!("m{index}"), &chosen)
            })
            .collect();
        for generation in 0..3 {
            for assignor in [
                Assignor::Range,
                Assignor::RoundRobin,
                Assignor::CooperativeSticky,
            ] {
                let assignment = match assignor {
                    Assignor::CooperativeSticky => sticky::assign(&partitions, &members),
                    other => other.assign(&partitions, &members),
                };
                let owned: Vec<&Owned> = assignment.values().flatten().collect();
                let distinct: BTreeSet<&Owned> = owned.iter().copied().collect();
                assert_eq!(owned.len(), distinct.len(), "round {round}: one owner each");
                assert_eq!(owned.len(), partitions_of(&partitions, &members).count());
                for member in &members {
                    let is_subscribed = |owned: &Owned| member.topics.contains(&owned.0);
                    assert!(
                        assignment[&member.id].iter().all(is_subscribed),
                        "round {round}"
                    );
                }
                if assignor == Assignor::CooperativeSticky {
                    members = owning(members, &assignment, generation);
                }
            }
            members.push(member(&format!("n{generation}"), &names));
        }
    }
}

#[test]
fn cooperative_members_give_up_before_others_get() {
    let partitions = topics(&[("t", 4)]);
    let one = vec![member("a", &["t"])];
    let before = Assignor::CooperativeSticky.assign(&partitions, &one);
    let mut two = owning(one, &before, 1);
    two.push(member("b", &["t"]));
    let first = Assignor::CooperativeSticky.assign(&partitions, &two);
    assert_eq!(shown(&first), "t-0 t-1 | ");
    let two = owning(two, &first, 2);
    let second = Assignor::CooperativeSticky.assign(&partitions, &two);
    assert_eq!(shown(&second), "t-0 t-1 | t-2 t-3");
}

#[test]
fn the_sticky_assignor_reads_what_java_has_written() {
    // StickyAssignor.serializeTopicPartitionAssignment of t-0, t-2 at generation 7.
    let java = [
        0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 7,
    ];
    let owned = [("t".to_owned(), 0), ("t".to_owned(), 2)];
    let ours = Assignor::Sticky
        .user_data(&owned, 7)
        .expect("encodes")
        .expect("there is some");
    assert_eq!(ours[..], java);
    let mut remembered = member("a", &["t"]);
    remembered.user_data = Some(Bytes::copy_from_slice(&java));
    let remembered = with_user_data(&remembered);
    assert_eq!(
        (remembered.owned, remembered.generation),
        (owned.to_vec(), 7)
    );
}

#[test]
fn a_subscription_survives_the_wire() {
    let topics = BTreeSet::from(["t".to_owned()]);
    let owned = [("t".to_owned(), 1)];
    for assignor in [Assignor::Range, Assignor::CooperativeSticky] {
        let bytes = encode_subscription(assignor, &topics, &owned, 4, None).expect("encodes");
        let read = decode_subscription(&Str::from("id"), None, bytes).expect("decodes");
        assert_eq!(read.topics, topics);
        assert_eq!(read.generation, 4);
        let expected = if assignor.is_cooperative() {
            owned.to_vec()
        } else {
            vec![]
        };
        assert_eq!(read.owned, expected);
    }
    let assigned = encode_assignment(&owned).expect("encodes");
    assert_eq!(decode_assignment(assigned), Ok(owned.to_vec()));
}
