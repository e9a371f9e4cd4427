use intnacl::{Layout, Loss, Negatives, Neighborhood, RobustTerm, Weight};
use intnacl_training::adam::Adam;
use intnacl_training::encoder::{Encoder, Mode, Settings};
use intnacl_training::evaluate::{attack::Classifier, probe::{self, Probe}};
use intnacl_training::random::{Purpose, permutation, stream};
use intnacl_training::step::{Contrast, Place, embed};
use intnacl_training::{Dataset, Result, views};
use tch::{Device, Tensor, Kind};

fn main() -> Result<()> {
    let data = Dataset::digits()?;
    let g2 = Negatives::G2 { tau_plus: 0.01, beta: 1.0 };
    let int = Loss::IntNaCl { negatives: g2, alpha: 1.0, robust: RobustTerm { negatives: g2, weight: Weight::Adversarial }, neighborhood: Neighborhood::MixNca { lambda: 0.5 } };
    for (loss, m) in [(Loss::SimClr, 1), (int, 5)] {
        let begin = std::time::Instant::now();
        let mut encoder = Encoder::new(&Settings { width: 0.25, ..Default::default() }, 1, 1, Device::Cpu)?;
        let mut adam = Adam::new(&intnacl_training::adam::Settings { learning_rate: 1e-3, ..Default::default() }, &encoder.parameters_flat())?;
        let contrast = Contrast { positives: m, ..Default::default() };
        for epoch in 0..20 {
            let order = permutation(data.train.count(), &mut stream(1, Purpose::Order, &[epoch]));
            let mut sum = 0.0;
            for indices in order.chunks_exact(128) {
                let images = data.train.select(&Tensor::from_slice(indices))?;
                let batch = embed(&encoder, &loss, &contrast, &views::Settings::digits(), &images, Place { seed: 1, epoch, indices })?;
                let value = batch.value(&loss, &contrast.settings())?;
                sum += f64::try_from(&value)?;
                encoder.step(&mut adam, &value)?;
            }
            eprintln!("{epoch} {} {:?}", sum / 11.0, begin.elapsed());
        }
        let features = |images: &Tensor| tch::no_grad(|| encoder.features_of(images, Mode::Evaluate));
        let (x, y) = data.train.range(0, data.train.count() as i64)?;
        let probe = Probe::train(&probe::Settings { epochs: 300, learning_rate: 1e-2, ..Default::default() }, &features(&x)?, &y, 10, 1)?;
        let (x, y) = data.test.range(0, data.test.count() as i64)?;
        let c = Classifier { encoder: &encoder, probe: &probe };
        let acc = |x: &Tensor| -> Result<f64> { Ok(f64::try_from(c.scores(x)?.argmax(-1, false).eq_tensor(&y).to_kind(Kind::Double).mean(None))?) };
        println!("standard accuracy {:.3}", acc(&x)?);
        for eps in [0.01, 0.03, 0.1, 0.2] { println!("robust accuracy {eps} {:.3}", acc(&c.fgsm(&x, &y, eps)?)?); }
        println!("{:?}", begin.elapsed());
    }
    Ok(())
}
