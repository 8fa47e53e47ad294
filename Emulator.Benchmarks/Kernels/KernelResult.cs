namespace Emulator.Benchmarks.Kernels;

/// <summary>One measurement of a kernel.</summary>
/// <param name="Checksum">What the kernel computed, in hex.</param>
/// <param name="Seconds">Host seconds between the bytes S and E.</param>
/// <param name="Instructions">Guest instructions between them; 0 when the engine does not tell.</param>
internal sealed record KernelResult(string Checksum, double Seconds, long Instructions);
