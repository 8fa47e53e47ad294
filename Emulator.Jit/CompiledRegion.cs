using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;

namespace Emulator.Jit;

/// <summary>
/// A region on its way from discovery to running code. It is made on the CPU's thread, compiled on any thread, published and dropped on
/// the CPU's thread.
/// </summary>
internal sealed unsafe class CompiledRegion
{
    private static readonly MethodInfo GetDescriptor = typeof(DynamicMethod).GetMethod("GetMethodDescriptor", BindingFlags.Instance | BindingFlags.NonPublic)
        ?? throw new PlatformNotSupportedException("this runtime does not give out the code of a DynamicMethod");

    private RegionContext* _context;
    private Delegate? _code;
    private volatile bool _isDropped;

    public CompiledRegion(Region region)
    {
        Region = region;
        Requested = [.. region.Blocks.Select(b => (nint)b.Source)];
    }

    private delegate int RegionEntry(nint state, nint context, int entry);

    /// <summary>Frees what the code looks at; nothing runs it any more.</summary>
    ~CompiledRegion() => NativeMemory.Free(_context);

    /// <summary>What it was made from.</summary>
    public Region Region { get; private set; }

    /// <summary>Whether it comes from an earlier run.</summary>
    public bool IsKept { get; init; }

    /// <summary>The region from which it is compiled anew, or null.</summary>
    public CompiledRegion? Replaces { get; init; }

    /// <summary>Whether its code may have to make room for a region that is compiled anew: it was cut short, or is kept.</summary>
    public bool IsProvisional { get; set; }

    /// <summary>Instructions of the slices that ended in it, while it is provisional.</summary>
    public long Weight { get; set; }

    /// <summary>The decoded blocks that it was to contain; <see cref="Compile"/> may leave some out.</summary>
    public nint[] Requested { get; }

    /// <summary>Bytes of IL, once compiled.</summary>
    public int IlBytes { get; private set; }

    /// <summary>Host time that emitting and compiling took.</summary>
    public TimeSpan CompileTime { get; set; }

    /// <summary>Pages that verification found its last runs to write, as linear addresses.</summary>
    public List<uint> KnownPages { get; } = [];

    /// <summary>Whether verification has run it without going on elsewhere.</summary>
    public bool WasVerifiedAlone { get; set; }

    /// <summary>The compiled code, or null until it is.</summary>
    public delegate*<CpuState*, nint, int, int> Entry { get; private set; }

    /// <summary>What the code needs of this process.</summary>
    public nint Context => (nint)_context;

    /// <summary>Whether blocks run the code.</summary>
    public bool IsPublished { get; private set; }

    /// <summary>Whether none of its code changed since discovery.</summary>
    public bool IsValid => !_isDropped;

    /// <summary>Emits and compiles, shortening the region until the host's compiler optimizes it. Any thread.</summary>
    /// <param name="modes">What is asked of the code.</param>
    /// <param name="counters">What the code counts with; 0 for none.</param>
    public void Compile(EmitModes modes, nint counters)
    {
        DynamicMethod? method = RegionEmitter.Emit(Region, modes, out IReadOnlyList<Op> slots);
        while (method is null && Region.Blocks.Count > 1)
        {
            Region = Region.Half();
            method = RegionEmitter.Emit(Region, modes, out slots);
        }

        if (method is null)
        {
            return;
        }

        IlBytes = method.GetILGenerator().ILOffset;
        _context = RegionContext.Create(slots, counters);
        _code = method.CreateDelegate<RegionEntry>();
        RuntimeMethodHandle handle = HandleOf(method);

        // Here, not at the first call, which comes on the CPU's thread.
        RuntimeHelpers.PrepareMethod(handle);
        Entry = (delegate*<CpuState*, nint, int, int>)handle.GetFunctionPointer();
        _context->Code = (nint)Entry;
    }

    /// <summary>What the runtime knows a method by whose delegate was made.</summary>
    /// <param name="method">The method.</param>
    public static RuntimeMethodHandle HandleOf(DynamicMethod method) => (RuntimeMethodHandle)GetDescriptor.Invoke(method, null)!;

    /// <summary>Runs it as the run loop does; the flags are finished.</summary>
    /// <param name="s">The state.</param>
    /// <param name="context">What the code needs.</param>
    /// <param name="entry">Which of its entries.</param>
    /// <returns>An <see cref="ExecStatus"/>.</returns>
    public int Run(CpuState* s, nint context, int entry)
    {
        int status = Entry(s, context, entry);
        DeferredFlags.Finish(s);
        return status;
    }

    /// <summary>Takes host code that was kept from an earlier run instead.</summary>
    /// <param name="code">The code.</param>
    /// <param name="slots">The instructions that it executes by their handlers.</param>
    public void Take(delegate*<CpuState*, nint, int, int> code, IReadOnlyList<Op> slots)
    {
        _context = RegionContext.Create(slots, counters: 0);
        Entry = code;
        IsProvisional = true;
        _context->Code = (nint)code;
    }

    /// <summary>Lets every block that has no code yet for its EIP enter the compiled code.</summary>
    /// <param name="instead">What runs in its place, and is given the same; null for the code itself.</param>
    public void Publish(delegate*<CpuState*, nint, int, int> instead)
    {
        IsPublished = true;
        IsResting = false;
        for (int i = 0; i < Region.Blocks.Count; i++)
        {
            RegionBlock block = Region.Blocks[i];
            Block* source = block.Source;
            if (source->Compiled == null || source->CompiledEip != block.Eip)
            {
                Block.Forget(source);
                source->CompiledEip = block.Eip;
                source->CompiledContext = (nint)_context;
                source->CompiledEntry = i;
                source->Compiled = instead != null ? instead : Entry;
            }
        }
    }

    /// <summary>Whether some block enters the code.</summary>
    public bool IsEntered => Region.Blocks.Any(b => b.Source->CompiledContext == (nint)_context);

    /// <summary>Whether no block enters the code until <see cref="Publish"/> is called again.</summary>
    public bool IsResting { get; private set; }

    /// <summary>Takes the code away from its blocks until one of them is met: then <see cref="Emulator.Core.Decoding.Translator.Hot"/> is told.</summary>
    public void Rest()
    {
        IsResting = true;
        foreach (RegionBlock block in Region.Blocks)
        {
            if (block.Source->CompiledContext == (nint)_context)
            {
                Block.Forget(block.Source);
                block.Source->Compiled = null;
                block.Source->CompiledContext = 0;
                block.Source->Heat = 1;
            }
        }
    }

    /// <summary>Marks the region as not to be run; code that is running it leaves at its next look.</summary>
    /// <returns>False when it was already.</returns>
    public bool Invalidate()
    {
        if (_isDropped)
        {
            return false;
        }

        _isDropped = true;
        if (!IsPublished)
        {
            return true;
        }

        _context->Valid = 0;
        foreach (RegionBlock block in Region.Blocks)
        {
            if (block.Source->CompiledContext == (nint)_context)
            {
                Block.Forget(block.Source);
                block.Source->Compiled = null;
                block.Source->CompiledContext = 0;
            }
        }

        GC.KeepAlive(_code);
        return true;
    }
}
