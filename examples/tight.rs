use intnacl::{Batch, Layout, Loss, Settings};
use std::time::Instant;
use tch::{Device, Kind, Tensor};
fn main() {
    let a: Vec<i64> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
    let (b, n) = (a[0], a[1]);
    let views = Tensor::randn([2, b, 128], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let batch = Batch::new(views.shallow_clone());
    let s = Settings::new(0.5).normalizing();
    let loss = if a.len() > 2 { Loss::HardNegative { tau_plus: 0.1, beta: 1.0 } } else { Loss::SimClr };
    let mut ts = vec![];
    for _ in 0..n {
        let t = Instant::now();
        let v = batch.value(&loss, &s).unwrap();
        let t1 = t.elapsed().as_secs_f64();
        Tensor::run_backward(&[v], &[&views], false, false);
        ts.push((t.elapsed().as_secs_f64() * 1e3, t1 * 1e3));
    }
    ts.sort_by(|a, b| a.0.total_cmp(&b.0));
    println!("{b}: {:.3} ms total, {:.3} value", ts[ts.len() / 2].0, ts[ts.len() / 2].1);
}
