//! A chart of the results: the ratio of wall times to the floor, with a logarithmic scale.

use std::fmt::Write as _;

use crate::results::{Cell, Measured, Results};
use crate::tool::Tool;

/// Lengths in pixels.
const LEFT: f64 = 190.0;
const WIDTH: f64 = 520.0;
const LINE: f64 = 16.0;
const HEADING: f64 = 30.0;

/// The ends of the scale: ratios as powers of ten.
const SCALE: (f64, f64) = (-0.5, 2.0);

/// Returns an SVG document.
pub(crate) fn chart(results: &Results) -> String {
    let mut body = String::new();
    let mut y = 40.0;
    for cell in &results.cells {
        y += HEADING;
        let _ = writeln!(
            body,
            r##"<text x="8" y="{:.0}" font-weight="bold">{}, {}, {}</text>"##,
            y - 8.0,
            cell.work.title(),
            cell.state.title(),
            cell.network(),
        );
        for tool in cell.tools.iter().filter(|tool| tool.tool != Tool::Floor) {
            body += &bar(cell, tool, y);
            y += LINE;
        }
    }
    let height = y + 16.0;
    let width = LEFT + WIDTH + 60.0;
    let mut text = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="8" y="18" font-size="13">Wall time relative to the floor (1 is the lower bound), logarithmic</text>
"##
    );
    for ratio in [1.0, 3.0, 10.0, 30.0, 100.0] {
        let x = x(ratio);
        let _ = writeln!(
            text,
            r##"<line x1="{x:.1}" x2="{x:.1}" y1="40" y2="{:.0}" stroke="#cccccc"/><text x="{x:.1}" y="36" text-anchor="middle">{ratio}</text>"##,
            height - 8.0,
        );
    }
    text + &body + "</svg>\n"
}

fn bar(cell: &Cell, tool: &Measured, y: f64) -> String {
    let color = match tool.tool {
        Tool::Mirror | Tool::MirrorReferrers => "#1f77b4",
        _ => "#a0a0a0",
    };
    let baseline = y + LINE - 5.0;
    let name = tool.tool.title();
    let mut text = format!(r##"<text x="16" y="{baseline:.0}">{name}</text>"##);
    let (end, label) = match cell.ratio(tool) {
        Some(ratio) => (x(ratio), format!("{ratio:.2}")),
        None => (LEFT, "failed".to_owned()),
    };
    let _ = writeln!(
        text,
        r##"<rect x="{LEFT}" y="{:.0}" width="{:.1}" height="{:.0}" fill="{color}"/><text x="{:.1}" y="{baseline:.0}">{label}</text>"##,
        y + 2.0,
        end - LEFT,
        LINE - 4.0,
        end + 4.0,
    );
    text
}

/// Returns the position of a ratio.
fn x(ratio: f64) -> f64 {
    let (low, high) = SCALE;
    LEFT + WIDTH * (ratio.log10().clamp(low, high) - low) / (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{State, Workload};

    fn cell(tools: &[(Tool, Option<f64>)]) -> Cell {
        let run = |wall: f64| crate::results::Run {
            wall_seconds: wall,
            ..crate::results::Run::default()
        };
        let measured = tools.iter().map(|(tool, wall)| Measured {
            failed: wall.is_none().then(|| "exit status 1".to_owned()),
            runs: wall.map(run).into_iter().collect(),
            ..Measured::new(*tool, "1".to_owned())
        });
        Cell {
            work: Workload::Multi,
            state: State::Cold,
            round_trip_ms: 30,
            tls: false,
            destinations: 1,
            rate: None,
            rows: 40,
            floor_requests: 1,
            floor_bytes: 1,
            measured_on: String::new(),
            tools: measured.collect(),
        }
    }

    #[test]
    fn chart_has_a_bar_for_each_tool_except_the_floor() {
        let cells = vec![cell(&[
            (Tool::Floor, Some(2.0)),
            (Tool::Mirror, Some(1.0)),
            (Tool::Regsync, Some(20.0)),
            (Tool::Crane, None),
        ])];
        let machine = String::new();
        let svg = chart(&Results { machine, cells });
        assert!(
            svg.contains(">40 four-platform indexes, cold, 30 ms<"),
            "{svg}"
        );
        let labels = [">0.50</text>", ">10.00</text>", ">failed</text>"];
        let found = labels.map(|label| svg.matches(label).count());
        assert_eq!(found, [1, 1, 1], "{svg}");
        assert!(!svg.contains("floor (curl)"), "the floor has no bar");
        // A ratio of 10 ends at the grid line for 10.
        let width = format!("width=\"{:.1}\"", x(10.0) - LEFT);
        assert_eq!(svg.matches(&width).count(), 1, "{svg}");
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn x_is_limited_to_the_scale() {
        assert_eq!((x(0.01), x(1e6)), (LEFT, LEFT + WIDTH));
    }
}
