using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Core.Cpu;

namespace Emulator.Jit;

/// <summary>
/// A region on its way from discovery to running code. It is made on the CPU's thread, compiled on any thread, published and dropped on
/// the CPU's thread.
/// </summary>
internal sealed unsafe class CompiledRegion
{
    private static readonly MethodInfo GetDescriptor = typeof(DynamicMethod).GetMethod("GetMethodDescriptor", BindingFlags.Instance | BindingFlags.NonPublic)
        ?? throw new PlatformNotSupportedException("this runtime does not give out the code of a DynamicMethod");

    private readonly RegionContext* _context;
    private Delegate? _code;

    public CompiledRegion(Region region)
    {
        Region = region;
        _context = RegionContext.Create(region);
    }

    private delegate int RegionEntry(nint state, nint context, int entry);

    /// <summary>Frees what the code looks at; nothing runs it any more.</summary>
    ~CompiledRegion() => NativeMemory.Free(_context);

    /// <summary>What it was made from.</summary>
    public Region Region { get; private set; }

    /// <summary>The compiled code, or null until it is.</summary>
    public delegate*<CpuState*, nint, int, int> Entry { get; private set; }

    /// <summary>Whether none of its code changed since discovery.</summary>
    public bool IsValid => _context->Valid != 0;

    /// <summary>Emits and compiles, shortening the region until the host's compiler optimizes it. Any thread.</summary>
    public void Compile()
    {
        DynamicMethod? method = RegionEmitter.Emit(Region);
        while (method is null && Region.Blocks.Count > 1)
        {
            Region = Region.Half();
            method = RegionEmitter.Emit(Region);
        }

        if (method is null)
        {
            return;
        }

        _code = method.CreateDelegate<RegionEntry>();
        RuntimeMethodHandle handle = (RuntimeMethodHandle)GetDescriptor.Invoke(method, null)!;

        // Here, not at the first call, which comes on the CPU's thread.
        RuntimeHelpers.PrepareMethod(handle);
        Entry = (delegate*<CpuState*, nint, int, int>)handle.GetFunctionPointer();
    }

    /// <summary>Makes the entry block run the compiled code.</summary>
    public void Publish()
    {
        Region.Entry.Source->CompiledEip = Region.Entry.Eip;
        Region.Entry.Source->CompiledContext = (nint)_context;
        Region.Entry.Source->CompiledEntry = 0;
        Region.Entry.Source->Compiled = Entry;
    }

    /// <summary>Marks the region as not to be run; code that is running it leaves at its next look.</summary>
    /// <returns>False when it was already.</returns>
    public bool Invalidate()
    {
        if (_context->Valid == 0)
        {
            return false;
        }

        _context->Valid = 0;
        if (Entry != null)
        {
            Region.Entry.Source->Compiled = null;
        }

        GC.KeepAlive(_code);
        return true;
    }
}
