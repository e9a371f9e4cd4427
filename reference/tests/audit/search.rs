//! The search for smallest counterexamples: axis worlds from the smallest on, until a claim fails.

use crate::powers::{AxisWorld, Point};

/// The largest worlds that are searched.
pub struct Limits {
    pub classes: usize,
    pub points: usize,
    pub axes: usize,
    pub weight: u64,
    pub class_weight: u64,
    pub base: u64,
    /// The largest `D`: temperatures down to `1/(D ln q)`.
    pub unit: u64,
}

/// The first world, in ascending order of classes, points, axes, largest weight and base, for which `fails`.
///
/// Every world of axis points within the limits is visited, up to the order of classes and points; so what it
/// finds is smallest in that order, and `None` is a proof within the limits.
pub fn smallest(limits: &Limits, fails: impl Fn(&AxisWorld) -> bool) -> Option<AxisWorld> {
    for classes in 2..=limits.classes {
        for points in classes..=limits.points {
            for axes in 1..=limits.axes {
                for weight in 1..=limits.weight.max(limits.class_weight) {
                    let size = Size { classes, points, axes, weight };
                    let found = (2..=limits.base).find_map(|base| size.first(limits, base, &fails));
                    if found.is_some() {
                        return found;
                    }
                }
            }
        }
    }
    None
}

struct Size {
    classes: usize,
    points: usize,
    axes: usize,
    weight: u64,
}

type Partial = Vec<(u64, Vec<Point>)>;

impl Size {
    fn first(&self, limits: &Limits, base: u64, fails: &dyn Fn(&AxisWorld) -> bool) -> Option<AxisWorld> {
        let places: Vec<(usize, bool)> =
            (0..self.axes).flat_map(|axis| [(axis, true), (axis, false)]).collect();
        let mut classes = Vec::new();
        for class_weight in 1..=self.weight.min(limits.class_weight) {
            self.points(limits, &places, 0, &mut Vec::new(), &mut |points| {
                classes.push((class_weight, points.to_vec()));
            });
        }
        self.join(base, &classes, 0, &mut Vec::new(), &|world| world.unit() <= limits.unit && fails(world))
    }

    /// All sets of places with weights.
    fn points(
        &self,
        limits: &Limits,
        places: &[(usize, bool)],
        first: usize,
        chosen: &mut Vec<Point>,
        visit: &mut impl FnMut(&[Point]),
    ) {
        if !chosen.is_empty() {
            visit(chosen);
        }
        if chosen.len() + self.classes > self.points {
            return;
        }
        for (index, &(axis, positive)) in places.iter().enumerate().skip(first) {
            for weight in 1..=self.weight.min(limits.weight) {
                chosen.push(Point { axis, positive, weight });
                self.points(limits, places, index + 1, chosen, visit);
                chosen.pop();
            }
        }
    }

    /// All multisets of classes with the right number of points.
    fn join(
        &self,
        base: u64,
        classes: &[(u64, Vec<Point>)],
        first: usize,
        chosen: &mut Partial,
        fails: &dyn Fn(&AxisWorld) -> bool,
    ) -> Option<AxisWorld> {
        let points: usize = chosen.iter().map(|class| class.1.len()).sum();
        if chosen.len() == self.classes {
            if points != self.points {
                return None;
            }
            let world = AxisWorld { classes: chosen.clone(), base };
            return fails(&world).then_some(world);
        }
        if points + (self.classes - chosen.len()) > self.points {
            return None;
        }
        for index in first..classes.len() {
            chosen.push(classes[index].clone());
            let found = self.join(base, classes, index, chosen, fails);
            chosen.pop();
            if found.is_some() {
                return found;
            }
        }
        None
    }
}
