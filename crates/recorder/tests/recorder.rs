//! What the recorder tells of libtorch. One test, since all threads of a process are counted.

use intnacl_recorder::{Operators, operators, peak_bytes};
use tch::{Cuda, Device, Kind, Tensor};

#[test]
fn operators_are_counted_while_something_runs() {
    let a = Tensor::randn([4, 3], (Kind::Float, Device::Cpu));
    let (value, counted) = operators(|| (a.matmul(&a.transpose(0, 1)).exp() + 1.0).max().double_value(&[]));
    let counted = counted.unwrap();
    assert!(value > 1.0);
    // `matmul` calls `mm`, which is counted in its place, and the transpose is a view.
    let expected = ["aten::_local_scalar_dense", "aten::add", "aten::exp", "aten::max", "aten::mm"];
    assert_eq!(counted.calls.keys().collect::<Vec<_>>(), expected, "{counted:?}");
    assert_eq!((counted.kernels(), counted.waits), (5, 1), "{counted:?}");

    // Entries are taken by a mask after the host has read how many there are, within `index`.
    let mask = [Some(a.gt(0.0))];
    let counted = operators(|| a.index(&mask)).1.unwrap();
    assert_eq!((counted.kernels(), counted.waits), (1, 1), "{counted:?}");

    // The way back: 2x is a product by the gradient 1 and another by 2, in autograd's own steps, which do not count.
    let x = Tensor::ones([3], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let value = x.dot(&x);
    let counted = operators(|| value.backward()).1.unwrap();
    assert!(counted.calls.keys().all(|name| name.starts_with("aten::")), "{counted:?}");
    assert_eq!(counted.calls.get("aten::mul"), Some(&2), "{counted:?}");

    // Threads of their own, as autograd has them for devices.
    let (_, counted) = operators(|| std::thread::spawn(|| Tensor::from(2.0) + 1.0).join().is_ok());
    assert_eq!(counted.unwrap().calls.get("aten::add"), Some(&1));
    // Nobody counts twice at once, and a panic ends the counting.
    let (inner, outer) = operators(|| operators(|| ()).1);
    assert_eq!((inner, outer), (None, Some(Operators::default())));
    assert!(std::panic::catch_unwind(|| operators(|| panic!("as asked"))).is_err());
    assert_eq!(operators(|| ()).1, Some(Operators::default()));

    let zeros = || Tensor::zeros([1 << 20], (Kind::Float, Device::cuda_if_available()));
    let (_, bytes) = peak_bytes(0, zeros);
    assert_eq!(bytes, Cuda::is_available().then_some(4 << 20));
}
