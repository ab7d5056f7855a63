//! The taxi zones and their boroughs, as the Commission numbers them.

/// A header, then a zone a line: number, borough, name, kind of service. See `data/README.md`.
const ZONES: &str = include_str!("../../../data/taxi_zone_lookup.csv");

/// Number and borough of every zone.
fn boroughs() -> impl Iterator<Item = (u32, &'static str)> {
    ZONES.lines().skip(1).map(|line| {
        let mut columns = line.split(',');
        let number = columns.next().and_then(|number| number.parse().ok());
        let borough = columns.next().map(|borough| borough.trim_matches('"'));
        number
            .zip(borough)
            .expect("every line has both: a test sees to it")
    })
}

/// The zones as a table: a JSON object with `zone` and `borough` a line.
pub(super) fn json_lines() -> String {
    boroughs()
        .map(|(zone, borough)| {
            format!(
                "{}\n",
                serde_json::json!({"zone": zone, "borough": borough})
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_265_zones_in_the_boroughs_that_the_data_names() {
        let known = [
            "Bronx",
            "Brooklyn",
            "EWR",
            "Manhattan",
            "Queens",
            "Staten Island",
            "Unknown",
        ];
        for (number, (zone, borough)) in boroughs().enumerate() {
            assert_eq!(zone as usize, number + 1);
            assert!(known.contains(&borough), "{borough}");
        }
        assert_eq!(boroughs().count(), 265);
    }
}
